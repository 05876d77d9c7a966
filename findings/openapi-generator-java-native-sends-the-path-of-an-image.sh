#!/usr/bin/env bash
# Package: openapi-generator-cli 7.25.0 (Maven), generator `java`, with its libraries `native` and `okhttp-gson`; each
#   with the versions of its own generated pom.xml. Needs a JDK (11 or newer) and Maven.
#
# Expected: An operation that takes application/octet-stream, with the schema `type: string, format: binary`, gets a
#   method with a parameter of type File. It sends the bytes of that file. `native` uses the HTTP client of the JDK and
#   needs the fewest packages.
# Behaviour: The method of `native` has the File, too, but gives it to the JSON mapper. The body is the path of the
#   file as a JSON string, under the content type application/octet-stream. The generator prints no warning, and the
#   method returns what the server answers. `okhttp-gson` sends the bytes.
#
# Output seen, for a File "image.pgm" with the bytes "P5 2 1 255 ab":
#   library        content type at the server     body at the server
#   native         application/octet-stream       "/the/folder/of/the/client/image.pgm", with the quotes
#   okhttp-gson    application/octet-stream       P5 2 1 255 ab
#
# Meaning: The client compiles, and every image is refused as broken. The path, often with the name of a user, goes to
#   the server. Use `okhttp-gson` for images.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
maven=org.apache.maven.plugins:maven-dependency-plugin:3.8.1
mvn -q -B $maven:copy -Dartifact=org.openapitools:openapi-generator-cli:7.25.0 -DoutputDirectory=.

cat > document.json <<'JSON'
{ "openapi": "3.0.3", "info": { "title": "classifier", "version": "1" },
  "paths": { "/classify": { "post": { "operationId": "classify",
    "requestBody": { "required": true, "content": {
      "application/octet-stream": { "schema": { "type": "string", "format": "binary" } } } },
    "responses": { "204": { "description": "done" } } } } } }
JSON
cat > Check.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import java.io.File;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import org.openapitools.client.ApiClient;
import org.openapitools.client.api.DefaultApi;

public class Check {
  public static void main(String[] arguments) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/classify", exchange -> {
      String body = new String(exchange.getRequestBody().readAllBytes(), "ISO-8859-1");
      System.out.println(exchange.getRequestHeaders().getFirst("Content-Type") + " " + body);
      exchange.sendResponseHeaders(204, -1);
      exchange.close();
    });
    server.start();
    ApiClient client = new ApiClient();
    client.SET_URL("http://127.0.0.1:" + server.getAddress().getPort());
    File image = new File("image.pgm");
    Files.write(image.toPath(), "P5 2 1 255 ab".getBytes());
    new DefaultApi(client).classify(image);
    System.exit(0);
  }
}
JAVA

seen_from() { # $1: library, $2: the method of ApiClient that sets the server
  java -jar openapi-generator-cli-7.25.0.jar generate -i document.json -o "$1" -g java --library "$1" > "$1.log" 2>&1
  mvn -q -B -f "$1/pom.xml" $maven:copy-dependencies -DincludeScope=compile -DoutputDirectory=jars > "$1.log" 2>&1
  sed "s/SET_URL/$2/" Check.java > "$1/Check.java"
  cd "$1"
  find src/main -name '*.java' -exec javac -nowarn -cp 'jars/*' -d classes Check.java {} + 2> javac.log
  java -cp 'classes:jars/*' Check
  cd ..
}
{
  echo "native: $(seen_from native updateBaseUri | sed "s|$folder|FOLDER|")"
  echo "okhttp-gson: $(seen_from okhttp-gson setBasePath)"
} > seen

diff seen - <<'EXPECTED' || { echo 'The behaviour has changed: see the difference above.' >&2; exit 1; }
native: application/octet-stream "FOLDER/native/image.pgm"
okhttp-gson: application/octet-stream P5 2 1 255 ab
EXPECTED
echo "As stated: $(paste -sd, seen)"
