// Times HAPI's PipeParser and the access to the fields that Vigil reads, over the messages of a file (each ended by FS), warmed up first.

import ca.uhn.hl7v2.DefaultHapiContext;
import ca.uhn.hl7v2.model.v251.group.ORU_R01_OBSERVATION;
import ca.uhn.hl7v2.model.v251.message.ORU_R01;
import ca.uhn.hl7v2.model.v251.segment.OBX;
import ca.uhn.hl7v2.model.v251.segment.PID;
import ca.uhn.hl7v2.model.v251.segment.PV1;
import ca.uhn.hl7v2.parser.PipeParser;
import ca.uhn.hl7v2.validation.impl.ValidationContextFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

public final class Parse {
  public static void main(String[] arguments) throws Exception {
    String[] messages = new String(Files.readAllBytes(Path.of(arguments[0])), StandardCharsets.UTF_8).split("\u001c");
    long warm = System.nanoTime() + (long) (Double.parseDouble(arguments[1]) * 1e9);
    DefaultHapiContext context = new DefaultHapiContext();
    context.setValidationContext(ValidationContextFactory.noValidation());
    PipeParser parser = context.getPipeParser();
    double best = Double.MAX_VALUE;
    long read = 0;
    int rounds = 0;
    while (System.nanoTime() < warm || rounds < 5) {
      long began = System.nanoTime();
      for (String message : messages) {
        read += read(parser, message);
      }
      best = Math.min(best, (System.nanoTime() - began) / 1e3 / messages.length);
      rounds++;
    }
    context.close();
    System.out.printf("{\"us\": %.1f, \"rounds\": %d, \"characters\": %d}%n", best, rounds, read);
  }

  private static long read(PipeParser parser, String text) throws Exception {
    ORU_R01 message = (ORU_R01) parser.parse(text);
    PID patient = message.getPATIENT_RESULT().getPATIENT().getPID();
    PV1 visit = message.getPATIENT_RESULT().getPATIENT().getVISIT().getPV1();
    long read = message.getMSH().getMessageControlID().getValue().length();
    read += length(patient.getPatientIdentifierList(0).getIDNumber().getValue());
    read += length(patient.getDateTimeOfBirth().getTime().getValue());
    read += length(visit.getAssignedPatientLocation().getPointOfCare().getValue());
    read += length(visit.getVisitNumber().getIDNumber().getValue());
    for (ORU_R01_OBSERVATION observation : message.getPATIENT_RESULT().getORDER_OBSERVATION().getOBSERVATIONAll()) {
      OBX result = observation.getOBX();
      read += length(result.getObservationIdentifier().getIdentifier().getValue());
      read += length(result.getObservationIdentifier().getText().getValue());
      read += length(result.getObservationIdentifier().getNameOfCodingSystem().getValue());
      String value = result.getObservationValue(0).getData().toString();
      if ("NM".equals(result.getValueType().getValue())) {
        read += (long) Double.parseDouble(value);
      }
      read += length(result.getUnits().getIdentifier().getValue());
      read += length(result.getObservationResultStatus().getValue());
      read += result.getDateTimeOfTheObservation().getTime().getValueAsDate().getTime() & 1;
    }
    return read;
  }

  private static int length(String text) {
    return text == null ? 0 : text.length();
  }
}
