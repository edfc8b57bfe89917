/** Process entry: the bare loop with the default model, figures as JSON on standard output. */
import { fileURLToPath } from 'node:url';
import { readModel } from '../../server/inference/manifest.ts';
import { bareLoop } from './bare-loop.ts';

const { durationMs } = JSON.parse(process.argv[2]!) as { durationMs: number };
const model = await readModel(fileURLToPath(new URL('../../models/dist', import.meta.url)));
process.stdout.write(JSON.stringify(await bareLoop({ model, loops: 1, intraOpThreads: 1, durationMs })));
