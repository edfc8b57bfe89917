/** Process entry: real libwebrtc publishes the demo scene, drawn once for all its connections. A native addon, it bears no threads. */
import { createCanvas } from '@napi-rs/canvas';
import wrtc from '@roamhq/wrtc';
import { createDemoScene } from '../shared/demo-scene/scene.ts';
import { decodeMask } from '../shared/mask-codec.ts';
import { type Candidate, MASK_CHANNEL_LABEL, MASK_CHANNEL_OPTIONS, type ServerMessage } from '../shared/signalling.ts';
import type { LibwebrtcData } from './libwebrtc-crew.ts';
import { offerOf } from './libwebrtc-offer.ts';
import type { MaskSample } from './mask-sample.ts';
import { nowMs } from './publisher.ts';
import { Signalling } from './signalling.ts';
import type { StreamRecord } from './stream-record.ts';

const SEED = 12;
const WIDTH = 640;
const HEIGHT = 480;
const FRAME_MS = 1000 / 15;
const SAMPLE_RATE_HZ = 48_000;
/** libwebrtc takes audio in pieces of ten milliseconds. */
const CHUNK_MS = 10;
const CHUNK_SAMPLES = (SAMPLE_RATE_HZ * CHUNK_MS) / 1000;
const TICK_MS = 10;

const { url, token, streams } = JSON.parse(process.argv[2]!) as LibwebrtcData;
const { RTCVideoSource, RTCAudioSource, rgbaToI420 } = wrtc.nonstandard;
const video = new RTCVideoSource();
const audio = new RTCAudioSource();
const tracks = [video.createTrack(), audio.createTrack()];

function play(): void {
  const scene = createDemoScene(SEED);
  const context = createCanvas(WIDTH, HEIGHT).getContext('2d');
  const sound = new Float32Array(CHUNK_SAMPLES);
  const startMs = performance.now();
  let frames = 0;
  let chunks = 0;
  setInterval(() => {
    const timeMs = performance.now() - startMs;
    for (; chunks * CHUNK_MS <= timeMs; chunks++) {
      scene.synthesise(sound, chunks * CHUNK_SAMPLES, SAMPLE_RATE_HZ);
      const samples = Int16Array.from(sound, (sample) => Math.round(32_767 * sample));
      audio.onData({
        samples,
        sampleRate: SAMPLE_RATE_HZ,
        bitsPerSample: 16,
        channelCount: 1,
        numberOfFrames: CHUNK_SAMPLES,
      });
    }
    if (frames * FRAME_MS > timeMs) return;
    frames = Math.floor(timeMs / FRAME_MS) + 1;
    scene.draw(context, WIDTH, HEIGHT, timeMs);
    const { data } = context.getImageData(0, 0, WIDTH, HEIGHT);
    const frame = { width: WIDTH, height: HEIGHT, data: new Uint8ClampedArray(WIDTH * HEIGHT * 1.5) };
    rgbaToI420({ width: WIDTH, height: HEIGHT, data: new Uint8ClampedArray(data.buffer) }, frame);
    video.onFrame(frame);
  }, TICK_MS);
}

/** One connection; what is noted of it grows. */
function publish(): { record: Omit<StreamRecord, 'stream'>; settled: Promise<void>; leave: () => void } {
  const masks: MaskSample[] = [];
  const beganMs = nowMs();
  const connection = new wrtc.RTCPeerConnection();
  const settled = Promise.withResolvers<void>();
  const stream = {
    record: { kind: 'libwebrtc', joinMs: undefined, ended: undefined, masks, counts: undefined } as Omit<
      StreamRecord,
      'stream'
    >,
    settled: settled.promise,
    leave: () => {
      signalling.send({ type: 'bye' });
      connection.close();
    },
  };
  for (const track of tracks) connection.addTrack(track);
  const channel = connection.createDataChannel(MASK_CHANNEL_LABEL, MASK_CHANNEL_OPTIONS);
  channel.binaryType = 'arraybuffer';
  channel.onopen = () => {
    stream.record = { ...stream.record, joinMs: nowMs() - beganMs };
    settled.resolve();
  };
  channel.onmessage = ({ data }) => masks.push(sampleOf(new Uint8Array(data as ArrayBuffer)));
  connection.onicecandidate = ({ candidate }) =>
    signalling.send({ type: 'candidate', candidate: (candidate?.toJSON() as Candidate | undefined) ?? null });
  const receive = async (message: ServerMessage): Promise<void> => {
    if (message.type === 'welcome') {
      signalling.send({ type: 'offer', sdp: await offerOf(connection) });
    } else if (message.type === 'answer') {
      await connection.setRemoteDescription({ type: 'answer', sdp: message.sdp });
    } else if (message.type === 'candidate' && message.candidate !== null) {
      await connection.addIceCandidate(message.candidate as RTCIceCandidateInit);
    }
  };
  const end = (code: string) => {
    stream.record = { ...stream.record, ended: { code, atMs: nowMs() } };
    settled.resolve();
  };
  const signalling = new Signalling(url, token, {
    message: (message) => void receive(message).catch((error: Error) => end(error.message)),
    closed: end,
  });
  return stream;
}

/** libwebrtc's RTP timestamps are its own; the capture time of the sender reports says which frame it was. */
function sampleOf(bytes: Uint8Array): MaskSample {
  const arrivalMs = nowMs();
  const { captureTimeMs, gated, stagesMs } = decodeMask(bytes);
  const captureMs = captureTimeMs === undefined ? undefined : arrivalMs - (Date.now() - captureTimeMs);
  return { captureMs, arrivalMs, loopMs: 0, iou: undefined, gated, stagesMs };
}

play();
const publishers = Array.from({ length: streams }, publish);
await Promise.all(publishers.map(({ settled }) => settled));
process.send!('settled');
process.once('message', () => {
  const records = publishers.map(({ record }) => record);
  for (const { leave } of publishers) leave();
  process.send!(records, () => process.exit(0));
});
