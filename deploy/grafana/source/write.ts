// Writes every dashboard to ../dashboards, or to the folder given: npm run dashboards
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { dashboards } from './dashboards.js';

const [folder = 'deploy/grafana/dashboards'] = process.argv.slice(2);

await mkdir(folder, { recursive: true });
for (const dashboard of dashboards) {
  const file = path.join(folder, `${dashboard.uid}.json`);
  await writeFile(file, `${JSON.stringify(dashboard, null, 2)}\n`);
}
