/** Process entry: the bare loop with the default model, figures as JSON on standard output. */
import { readModel } from '../../server/inference/manifest.ts';
import { DEFAULT_MODEL } from '../../server/inference/shipped-models.ts';
import { bareLoop } from './bare-loop.ts';

const { durationMs } = JSON.parse(process.argv[2]!) as { durationMs: number };
const model = await readModel(DEFAULT_MODEL);
process.stdout.write(JSON.stringify(await bareLoop({ model, loops: 1, intraOpThreads: 1, durationMs })));
