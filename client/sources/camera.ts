/** Camera and microphone. */
import { failure, SourceError } from '../failure.ts';
import { type Source, stopTracks } from './source.ts';

const VIDEO = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30, max: 30 } } as const;
/** The browser's voice processing would remove just those sounds that are not speech. */
const AUDIO = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 } as const;

/** @throws SourceError `insecure-context`, `permission-denied`, `device-missing`, `device-busy`. */
export async function openCamera(): Promise<Source> {
  if (navigator.mediaDevices === undefined) throw new SourceError('insecure-context');
  try {
    return camera(await navigator.mediaDevices.getUserMedia({ video: VIDEO, audio: AUDIO }), undefined);
  } catch (error) {
    // Not found means one of the two: a camera alone is still worth showing.
    if (!isNamed(error, 'NotFoundError')) throw sourceError(error);
  }
  try {
    return camera(await navigator.mediaDevices.getUserMedia({ video: VIDEO }), failure('microphone-missing'));
  } catch (error) {
    throw sourceError(error);
  }
}

function camera(stream: MediaStream, notice: Source['notice']): Source {
  for (const track of stream.getVideoTracks()) track.contentHint = 'motion';
  return { kind: 'camera', stream, notice, stop: () => stopTracks(stream) };
}

const isNamed = (error: unknown, name: string) => error instanceof DOMException && error.name === name;

/** DOMException names: Media Capture and Streams §10.2.1. */
function sourceError(error: unknown): SourceError {
  if (isNamed(error, 'NotAllowedError') || isNamed(error, 'SecurityError'))
    return new SourceError('permission-denied', error);
  if (isNamed(error, 'NotFoundError') || isNamed(error, 'OverconstrainedError'))
    return new SourceError('device-missing', error);
  return new SourceError('device-busy', error);
}
