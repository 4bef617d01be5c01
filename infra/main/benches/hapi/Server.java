// Takes messages with HAPI's server on a port, answers each with HAPI's own acknowledgement, and prints the control id of each: Server PORT.

import ca.uhn.hl7v2.DefaultHapiContext;
import ca.uhn.hl7v2.HL7Exception;
import ca.uhn.hl7v2.app.HL7Service;
import ca.uhn.hl7v2.model.Message;
import ca.uhn.hl7v2.protocol.ReceivingApplication;
import ca.uhn.hl7v2.util.Terser;
import ca.uhn.hl7v2.util.idgenerator.InMemoryIDGenerator;
import ca.uhn.hl7v2.validation.impl.ValidationContextFactory;
import java.util.Map;

public final class Server {
  public static void main(String[] arguments) throws Exception {
    DefaultHapiContext context = new DefaultHapiContext();
    context.setValidationContext(ValidationContextFactory.noValidation());
    context.getParserConfiguration().setIdGenerator(new InMemoryIDGenerator()); // the usual one leaves a file where it was started
    HL7Service server = context.newServer(Integer.parseInt(arguments[0]), false);
    server.registerApplication("*", "*", new ReceivingApplication<Message>() {
      @Override
      public Message processMessage(Message message, Map<String, Object> metadata) throws HL7Exception {
        try {
          System.out.println("took " + new Terser(message).get("/MSH-10"));
          return message.generateACK();
        } catch (java.io.IOException error) {
          throw new HL7Exception(error);
        }
      }

      @Override
      public boolean canProcess(Message message) {
        return true;
      }
    });
    server.startAndWait();
    System.out.println("ready");
    while (System.in.read() >= 0) { // until whoever started this closes its input
    }
    server.stopAndWait();
    context.close();
    System.exit(0);
  }
}
