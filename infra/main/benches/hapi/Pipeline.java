// HAPI to Kafka to JDBC: HAPI's server takes messages and answers once the broker has them; each consumer takes up to 500 at once, reads them with HAPI,
// inserts their observations in one transaction, and commits its offsets. Prints `ready`, then how many messages are in the database, each time that
// grows; ends with its input: Pipeline PORT BOOTSTRAP JDBC_URL TOPIC CONSUMERS.

import ca.uhn.hl7v2.DefaultHapiContext;
import ca.uhn.hl7v2.HL7Exception;
import ca.uhn.hl7v2.app.HL7Service;
import ca.uhn.hl7v2.model.Message;
import ca.uhn.hl7v2.model.v251.group.ORU_R01_OBSERVATION;
import ca.uhn.hl7v2.model.v251.message.ORU_R01;
import ca.uhn.hl7v2.model.v251.segment.OBR;
import ca.uhn.hl7v2.model.v251.segment.OBX;
import ca.uhn.hl7v2.model.v251.segment.PID;
import ca.uhn.hl7v2.model.v251.segment.PV1;
import ca.uhn.hl7v2.parser.PipeParser;
import ca.uhn.hl7v2.protocol.MetadataKeys;
import ca.uhn.hl7v2.protocol.ReceivingApplication;
import ca.uhn.hl7v2.util.idgenerator.InMemoryIDGenerator;
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
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public final class Pipeline {
  private static final int BATCH = 500;
  private static final AtomicLong STORED = new AtomicLong();
  private static final String INSERT =
      "INSERT INTO vigil_bench.observation (patient_id, encounter_id, code, code_system, value_num, value_text, unit, canonical_code, canonical_num,"
          + " canonical_unit, canonical_text, observed_at, received_at, status, result_key, topic, partition, \"offset\", ordinal)"
          + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

  private final KafkaConsumer<byte[], String> consumer;
  private final Connection connection;
  private final PreparedStatement insert;
  private final PipeParser parser = lenient().getPipeParser();

  public static void main(String[] arguments) throws Exception {
    int consumers = Integer.parseInt(arguments[4]);
    for (int number = 0; number < consumers; number++) {
      Pipeline pipeline = new Pipeline(arguments[1], arguments[2], arguments[3], number, consumers);
      new Thread(pipeline::run).start();
    }
    HL7Service server = lenient().newServer(Integer.parseInt(arguments[0]), false);
    server.registerApplication("*", "*", new Intake(arguments[1], arguments[3]));
    server.startAndWait();
    System.out.println("ready");
    while (System.in.read() >= 0) { // until whoever started this closes its input
    }
    System.exit(0);
  }

  private static DefaultHapiContext lenient() {
    DefaultHapiContext context = new DefaultHapiContext();
    context.setValidationContext(ValidationContextFactory.noValidation());
    context.getParserConfiguration().setIdGenerator(new InMemoryIDGenerator()); // the usual one leaves a file where it was started
    return context;
  }

  /** Answers a message when the broker has it. */
  private static final class Intake implements ReceivingApplication<Message> {
    private final KafkaProducer<String, String> producer;
    private final String topic;

    private Intake(String bootstrap, String topic) {
      this.topic = topic;
      producer = new KafkaProducer<>(
          Map.of("bootstrap.servers", bootstrap, "acks", "all", "enable.idempotence", true, "linger.ms", 2), new StringSerializer(), new StringSerializer());
    }

    @Override
    public Message processMessage(Message message, Map<String, Object> metadata) throws HL7Exception {
      try {
        String patient = ((ORU_R01) message).getPATIENT_RESULT().getPATIENT().getPID().getPatientIdentifierList(0).getIDNumber().getValue();
        producer.send(new ProducerRecord<>(topic, patient, (String) metadata.get(MetadataKeys.IN_RAW_MESSAGE))).get();
        return message.generateACK();
      } catch (Exception error) {
        throw new HL7Exception(error);
      }
    }

    @Override
    public boolean canProcess(Message message) {
      return message instanceof ORU_R01;
    }
  }

  private Pipeline(String bootstrap, String url, String topic, int number, int consumers) throws Exception {
    Map<String, Object> settings = Map.of(
        "bootstrap.servers", bootstrap, "group.id", topic + "-hapi", "enable.auto.commit", false, "max.poll.records", BATCH,
        "auto.offset.reset", "earliest");
    consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new StringDeserializer());
    List<TopicPartition> mine = new ArrayList<>();
    consumer.partitionsFor(topic).stream().filter(one -> one.partition() % consumers == number)
        .forEach(one -> mine.add(new TopicPartition(topic, one.partition())));
    consumer.assign(mine);
    connection = DriverManager.getConnection(url);
    connection.setAutoCommit(false);
    insert = connection.prepareStatement(INSERT);
  }

  private void run() {
    try {
      while (true) {
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
        System.out.println(STORED.addAndGet(records.count()));
      }
    } catch (Exception error) {
      error.printStackTrace();
      System.exit(1);
    }
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
