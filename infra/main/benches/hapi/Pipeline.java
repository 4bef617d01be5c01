// Kafka to HAPI to JDBC: each thread takes up to 500 messages at once, reads them and inserts their observations in one transaction, then commits
// its offsets. Reads the topic again and again until it is warm; the rows of the last round stay: Pipeline BOOTSTRAP JDBC_URL TOPIC WARM_S THREADS.

import ca.uhn.hl7v2.DefaultHapiContext;
import ca.uhn.hl7v2.model.v251.group.ORU_R01_OBSERVATION;
import ca.uhn.hl7v2.model.v251.message.ORU_R01;
import ca.uhn.hl7v2.model.v251.segment.OBR;
import ca.uhn.hl7v2.model.v251.segment.OBX;
import ca.uhn.hl7v2.model.v251.segment.PID;
import ca.uhn.hl7v2.model.v251.segment.PV1;
import ca.uhn.hl7v2.parser.PipeParser;
import ca.uhn.hl7v2.validation.impl.ValidationContextFactory;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

public final class Pipeline {
  private static final int BATCH = 500;
  private static final String INSERT =
      "INSERT INTO vigil_bench.observation (patient_id, encounter_id, code, code_system, value_num, value_text, unit, canonical_code, canonical_num,"
          + " canonical_unit, canonical_text, observed_at, received_at, status, result_key, topic, partition, \"offset\", ordinal)"
          + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

  private final KafkaConsumer<byte[], String> consumer;
  private final Connection connection;
  private final PreparedStatement insert;
  private final DefaultHapiContext context = new DefaultHapiContext();
  private final PipeParser parser;
  private final List<TopicPartition> mine = new ArrayList<>();

  public static void main(String[] arguments) throws Exception {
    long warm = System.nanoTime() + (long) (Double.parseDouble(arguments[3]) * 1e9);
    int threads = Integer.parseInt(arguments[4]);
    List<Pipeline> pipelines = new ArrayList<>();
    for (int number = 0; number < threads; number++) {
      pipelines.add(new Pipeline(arguments[0], arguments[1], arguments[2], number, threads));
    }
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    double best = 0;
    int rounds = 0;
    StringBuilder all = new StringBuilder();
    while (System.nanoTime() < warm || rounds < 3) {
      pipelines.get(0).empty();
      long began = System.nanoTime();
      List<Future<Integer>> parts = new ArrayList<>();
      for (Pipeline pipeline : pipelines) {
        parts.add(pool.submit(pipeline::round));
      }
      int messages = 0;
      for (Future<Integer> part : parts) {
        messages += part.get();
      }
      double rate = messages / ((System.nanoTime() - began) / 1e9);
      all.append(rounds == 0 ? "" : ", ").append(Math.round(rate));
      best = Math.max(best, rate);
      rounds++;
    }
    System.out.printf("{\"per_s\": %.1f, \"rounds\": [%s]}%n", best, all);
    System.exit(0);
  }

  private Pipeline(String bootstrap, String url, String topic, int number, int threads) throws Exception {
    Map<String, Object> settings = Map.of(
        "bootstrap.servers", bootstrap, "group.id", topic + "-hapi", "enable.auto.commit", false, "max.poll.records", BATCH);
    consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new StringDeserializer());
    consumer.partitionsFor(topic).stream().filter(one -> one.partition() % threads == number)
        .forEach(one -> mine.add(new TopicPartition(topic, one.partition())));
    consumer.assign(mine);
    connection = DriverManager.getConnection(url);
    connection.setAutoCommit(false);
    insert = connection.prepareStatement(INSERT);
    context.setValidationContext(ValidationContextFactory.noValidation());
    parser = context.getPipeParser();
  }

  private void empty() throws Exception {
    connection.createStatement().execute("TRUNCATE vigil_bench.observation");
    connection.commit();
  }

  private int round() throws Exception {
    long left = consumer.endOffsets(mine).values().stream().mapToLong(Long::longValue).sum();
    int done = 0;
    consumer.seekToBeginning(mine);
    while (done < left) {
      ConsumerRecords<byte[], String> records = consumer.poll(Duration.ofMillis(200));
      if (records.isEmpty()) {
        continue;
      }
      for (ConsumerRecord<byte[], String> record : records) {
        add(record);
      }
      insert.executeBatch();
      connection.commit();
      consumer.commitSync();
      done += records.count();
    }
    return done;
  }

  private void add(ConsumerRecord<byte[], String> record) throws Exception {
    ORU_R01 message = (ORU_R01) parser.parse(record.value());
    PID person = message.getPATIENT_RESULT().getPATIENT().getPID();
    PV1 visit = message.getPATIENT_RESULT().getPATIENT().getVISIT().getPV1();
    OBR request = message.getPATIENT_RESULT().getORDER_OBSERVATION().getOBR();
    String patient = person.getPatientIdentifierList(0).getAssigningAuthority().getNamespaceID().getValue()
        + ":" + person.getPatientIdentifierList(0).getIDNumber().getValue();
    String encounter = visit.getVisitNumber().getIDNumber().getValue();
    String filler = request.getFillerOrderNumber().getEntityIdentifier().getValue();
    Timestamp received = new Timestamp(record.timestamp());
    int ordinal = 0;
    for (ORU_R01_OBSERVATION observation : message.getPATIENT_RESULT().getORDER_OBSERVATION().getOBSERVATIONAll()) {
      OBX result = observation.getOBX();
      String code = result.getObservationIdentifier().getIdentifier().getValue();
      String unit = result.getUnits().getIdentifier().getValue();
      String value = result.getObservationValue(0).getData().toString();
      boolean number = "NM".equals(result.getValueType().getValue());
      insert.setString(1, patient);
      insert.setString(2, encounter);
      insert.setString(3, code);
      insert.setString(4, result.getObservationIdentifier().getNameOfCodingSystem().getValue());
      setValue(5, number, value);
      insert.setString(7, unit);
      insert.setString(8, code);
      if (number) {
        insert.setDouble(9, Double.parseDouble(value));
      } else {
        insert.setNull(9, Types.DOUBLE);
      }
      insert.setString(10, unit);
      insert.setString(11, number ? null : value);
      insert.setTimestamp(12, new Timestamp(result.getDateTimeOfTheObservation().getTime().getValueAsDate().getTime()));
      insert.setTimestamp(13, received);
      insert.setString(14, "F".equals(result.getObservationResultStatus().getValue()) ? "final" : "preliminary");
      insert.setString(15, filler + "|" + code + "|");
      insert.setString(16, record.topic());
      insert.setInt(17, record.partition());
      insert.setLong(18, record.offset());
      insert.setInt(19, ordinal++);
      insert.addBatch();
    }
  }

  private void setValue(int at, boolean number, String value) throws Exception {
    if (number) {
      insert.setDouble(at, Double.parseDouble(value));
      insert.setNull(at + 1, Types.VARCHAR);
    } else {
      insert.setNull(at, Types.DOUBLE);
      insert.setString(at + 1, value);
    }
  }
}
