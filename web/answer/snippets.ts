// The request as curl, TypeScript and Python, to copy. A small image is part of the text, so that it runs as it is; a
// larger one is a file, by its name. An API key is never shown: the texts take it from the environment.
import type { SentImage } from '../parts/files.js';
import { hasKey, type Query, queryText } from '../service/api.js';

const MOST_BYTES_INSIDE = 1500;

export const languages = ['curl', 'TypeScript', 'Python'] as const;
export type Language = (typeof languages)[number];

export interface Request {
  readonly image: SentImage | undefined;
  readonly query: Query;
}

export async function snippets({ image, query }: Request): Promise<Record<Language, string>> {
  const url = new URL(`classify?${queryText(query)}`, document.baseURI).href;
  const name = image?.name ?? 'image.png';
  const type = image?.blob.type ?? 'image/png';
  const isInside = image !== undefined && image.blob.size <= MOST_BYTES_INSIDE;
  const base64 = isInside ? await base64Of(image.blob) : undefined;
  return {
    curl: curl(url, type, name, base64),
    TypeScript: typeScript(url, type, name, base64),
    Python: python(url, type, name, base64),
  };
}

function curl(url: string, type: string, name: string, base64: string | undefined): string {
  return [
    ...(base64 === undefined ? [] : [`echo '${base64}' | base64 -d |`]),
    'curl --silent --show-error --fail-with-body \\',
    `  -H 'content-type: ${type}' \\`,
    ...(hasKey() ? ['  -H "authorization: Bearer $RDI_API_KEY" \\'] : []),
    `  --data-binary @${base64 === undefined ? shellQuoted(name) : '-'} \\`,
    `  ${shellQuoted(url)}`,
  ].join('\n');
}

function typeScript(url: string, type: string, name: string, base64: string | undefined): string {
  const image =
    base64 === undefined ? `await readFile(${JSON.stringify(name)})` : `Buffer.from('${base64}', 'base64')`;
  const key = hasKey() ? "\n    authorization: 'Bearer ' + process.env.RDI_API_KEY," : '';
  return `${base64 === undefined ? "import { readFile } from 'node:fs/promises';\n\n" : ''}const image = ${image};
const response = await fetch(${JSON.stringify(url)}, {
  method: 'POST',
  headers: {
    'content-type': '${type}',${key}
  },
  body: image,
});
if (!response.ok) throw new Error((await response.json()).detail);
const { label, confidence, exit, flops } = await response.json();
console.log(label, confidence, exit.name, flops.executed);`;
}

function python(url: string, type: string, name: string, base64: string | undefined): string {
  const image =
    base64 === undefined ? `open(${JSON.stringify(name)}, "rb").read()` : `base64.b64decode("${base64}")`;
  const imports = [...(base64 === undefined ? [] : ['base64']), 'json', ...(hasKey() ? ['os'] : [])];
  const key = hasKey() ? '\n    "authorization": f"Bearer {os.environ[\'RDI_API_KEY\']}",' : '';
  return `${imports.map((one) => `import ${one}`).join('\n')}
import urllib.request

image = ${image}
headers = {
    "content-type": "${type}",${key}
}
request = urllib.request.Request(
    ${JSON.stringify(url)}, data=image, headers=headers
)
answer = json.load(urllib.request.urlopen(request))
print(answer["label"], answer["confidence"], answer["exit"]["name"], answer["flops"]["executed"])`;
}

function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

async function base64Of(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}
