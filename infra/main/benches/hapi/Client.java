// Sends the messages of a file (each ended by FS) with HAPI's client and prints MSA-1 and MSA-2 of each answer: Client FILE HOST PORT plain|tls.

import ca.uhn.hl7v2.DefaultHapiContext;
import ca.uhn.hl7v2.app.Connection;
import ca.uhn.hl7v2.model.Message;
import ca.uhn.hl7v2.util.Terser;
import ca.uhn.hl7v2.validation.impl.ValidationContextFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

public final class Client {
  public static void main(String[] arguments) throws Exception {
    String[] messages = new String(Files.readAllBytes(Path.of(arguments[0])), StandardCharsets.UTF_8).split("\u001c");
    try (DefaultHapiContext context = new DefaultHapiContext()) {
      context.setValidationContext(ValidationContextFactory.noValidation());
      Connection connection = context.newClient(arguments[1], Integer.parseInt(arguments[2]), "tls".equals(arguments[3]));
      connection.getInitiator().setTimeout(20, java.util.concurrent.TimeUnit.SECONDS);
      for (String text : messages) {
        Message answer = connection.getInitiator().sendAndReceive(context.getPipeParser().parse(text));
        Terser answered = new Terser(answer);
        System.out.println(answered.get("/MSA-1") + " " + answered.get("/MSA-2"));
      }
      connection.close();
    }
    System.exit(0);
  }
}
