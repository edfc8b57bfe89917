// The floors of docs/architecture.md: a higher one imports lower ones only, and each library has one importer.
const TEST = '\\.test\\.ts$';
const floor = (name, from, allowed) => ({
  name,
  severity: 'error',
  comment: `${name}: imports only ${allowed.join(', ')}`,
  from: { path: from, pathNot: TEST },
  to: { path: '^(shared|server|client|loadtest|publisher|test|models)/', pathNot: allowed },
});
const ADAPTERS = ['^server/peer/werift-', '^server/media/node-av-', '^server/inference/ort-'];
const soleImporter = (library, importers) => ({
  name: `sole-importer-of-${library.replace(/[^a-z]/g, '-')}`,
  severity: 'error',
  comment: `${library} is imported by ${importers.join(', ')} only`,
  from: { path: '^(shared|server|client|loadtest|publisher)/', pathNot: [TEST, ...importers] },
  to: { path: `^node_modules/${library}(/|$)` },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true, pathNot: '\\?worker' } },
    floor('floor-0-shared', '^shared/', ['^shared/']),
    floor('floor-1-media-dsp-telemetry', '^server/(media|dsp|telemetry)/', [
      '^shared/',
      '^server/(media|dsp|telemetry)/',
    ]),
    floor('floor-2-ports-and-output', '^server/(peer|inference|output)/', [
      '^shared/',
      '^server/(media|dsp|telemetry|peer|inference|output)/',
    ]),
    floor('floor-3-pipeline', '^server/pipeline/', [
      '^shared/',
      '^server/(media|dsp|telemetry|peer|inference|output|pipeline)/',
    ]),
    floor('floor-4-session', '^server/session/', [
      '^shared/',
      '^server/(media|dsp|telemetry|peer|inference|output|pipeline|session)/',
    ]),
    floor('offline', '^server/offline/', [
      '^shared/',
      '^server/(media|dsp|telemetry|inference|output|pipeline|offline)/',
      '^server/config\\.ts$',
    ]),
    floor('floor-5-signalling', '^server/(signalling/|results/|(app|openapi)\\.ts)', ['^shared/', '^server/']),
    floor('client', '^client/', ['^client/', '^shared/']),
    floor('publisher', '^publisher/', ['^publisher/', '^shared/']),
    floor('loadtest', '^loadtest/', ['^loadtest/', '^publisher/(sent-track|rtp-payloads)\\.ts$', '^shared/']),
    {
      name: 'adapters-are-wired-at-the-edge',
      severity: 'error',
      comment: 'only thread entries and the root choose an adapter',
      from: { path: '^server/(media|dsp|output|pipeline|signalling|results|app)', pathNot: [TEST, ...ADAPTERS] },
      to: { path: ADAPTERS },
    },
    soleImporter('werift', [
      '^server/peer/werift-(transport|srtp)\\.ts$',
      '^publisher/(publish-file|sent-track)\\.ts$',
      '^loadtest/publisher\\.ts$',
    ]),
    soleImporter('onnxruntime-node', ['^server/inference/(ort-worker|providers)\\.ts$']),
    soleImporter('node-av', ['^server/media/node-av-', '^loadtest/av-encoder\\.ts$']),
    soleImporter('rxjs', ['^server/pipeline/']),
    soleImporter('prom-client', ['^server/telemetry/metrics\\.ts$']),
    soleImporter('fft.js', ['^server/dsp/fft\\.ts$']),
    soleImporter('fastify', ['^server/(app|signalling/|results/)']),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    // dependency-cruiser cannot use TypeScript 7; without another parser it would see no module and find no fault.
    parser: 'swc',
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
};
