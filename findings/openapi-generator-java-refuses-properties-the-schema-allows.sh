#!/usr/bin/env bash
# Package: openapi-generator-cli 7.25.0 (Maven), generator `java`, library `okhttp-gson` (the default), with the versions
#   of its generated pom.xml. Needs a JDK (11 or newer) and Maven.
#
# Expected: A schema that does not mention `additionalProperties` allows more properties than it lists. So say JSON
#   Schema and OpenAPI. A client ignores what it does not know, and a server may add a property to its answers.
# Behaviour: The generated client raises IllegalArgumentException, which its method does not declare (it declares
#   ApiException). Only `disallowAdditionalPropertiesIfNotPresent=false` makes the generator follow JSON Schema; it is
#   true by default, which its own help calls "the old (incorrect) behaviour".
#
# Output seen, for a schema that lists `label`:
#   answer of the server                  by default                  with the option
#   {"label": "seven"}                    seven                       seven
#   {"label": "seven", "exit": 1}         IllegalArgumentException    seven
#
# Meaning: An addition that breaks nobody by the rules of OpenAPI breaks these clients, when the server is updated and
#   not when the client is built. Tell the users of a document to set the option.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
maven=org.apache.maven.plugins:maven-dependency-plugin:3.8.1
mvn -q -B $maven:copy -Dartifact=org.openapitools:openapi-generator-cli:7.25.0 -DoutputDirectory=.

cat > document.json <<'JSON'
{ "openapi": "3.0.3", "info": { "title": "classifier", "version": "1" },
  "paths": { "/classify": { "get": { "operationId": "classify",
    "responses": { "200": { "description": "done", "content": { "application/json": {
      "schema": { "$ref": "#/components/schemas/Answer" } } } } } } } },
  "components": { "schemas": { "Answer": { "type": "object", "required": ["label"],
    "properties": { "label": { "type": "string" } } } } } }
JSON
cat > Check.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import org.openapitools.client.ApiClient;
import org.openapitools.client.api.DefaultApi;

public class Check {
  static String answer;

  public static void main(String[] arguments) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/classify", exchange -> {
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      exchange.sendResponseHeaders(200, answer.length());
      exchange.getResponseBody().write(answer.getBytes());
      exchange.close();
    });
    server.start();
    String url = "http://127.0.0.1:" + server.getAddress().getPort();
    DefaultApi api = new DefaultApi(new ApiClient().setBasePath(url));
    for (String each : new String[] {"{\"label\": \"seven\"}", "{\"label\": \"seven\", \"exit\": 1}"}) {
      answer = each;
      try {
        System.out.print(" " + api.classify().getLabel());
      } catch (Exception thrown) {
        System.out.print(" " + thrown.getClass().getSimpleName());
      }
    }
    System.exit(0);
  }
}
JAVA

seen_with() { # $1: folder to generate into; the others: options of the generator
  java -jar openapi-generator-cli-7.25.0.jar generate -i document.json -o "$1" -g java --library okhttp-gson "${@:2}" \
    > "$1.log" 2>&1
  [[ -d jars ]] || mvn -q -B -f "$1/pom.xml" $maven:copy-dependencies -DincludeScope=compile \
    -DoutputDirectory="$folder/jars" > "$1.log" 2>&1
  find "$1/src/main" -name '*.java' -exec javac -nowarn -cp 'jars/*' -d "$1/classes" Check.java {} + 2> javac.log
  java -cp "$1/classes:jars/*" Check
}
{
  echo "by default:$(seen_with default)"
  echo "with the option:$(seen_with option --additional-properties=disallowAdditionalPropertiesIfNotPresent=false)"
} > seen

diff seen - <<'EXPECTED' || { echo 'The behaviour has changed: see the difference above.' >&2; exit 1; }
by default: seven IllegalArgumentException
with the option: seven seven
EXPECTED
echo "As stated: $(paste -sd, seen)"
