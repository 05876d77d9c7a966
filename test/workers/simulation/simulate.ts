// Runs schedules FROM to TO, both included, and prints their results; the first failure exits with code 1.
// A separate process, because the test runner tracks every promise, which makes it several times as slow.
// Usage: node dist/test/workers/simulation/simulate.js FROM [TO]
import process from 'node:process';
import { runSchedule } from './schedule.js';

const [from = 1, to = from] = process.argv.slice(2).map(Number);
const totals: Record<string, number> = {};
for (let seed = from; seed <= to; seed++) {
  try {
    for (const [name, count] of Object.entries(await runSchedule(seed))) {
      totals[name] = (totals[name] ?? 0) + count;
    }
  } catch (error) {
    console.error(
      `Schedule ${seed} fails; node dist/test/workers/simulation/simulate.js ${seed} runs it again.`,
    );
    console.error(error);
    process.exit(1);
  }
}
console.log(JSON.stringify(totals));
