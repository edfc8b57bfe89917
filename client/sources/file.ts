/** A video file of the person's own, played in a loop and captured; it is sent to the server as live video only. */
import { failure, SourceError } from '../failure.ts';
import { type Source, stopTracks } from './source.ts';

/** @throws SourceError `capture-unsupported`, `file-unplayable`. */
export async function openFile(file: File): Promise<Source> {
  const video = document.createElement('video');
  if (video.captureStream === undefined) throw new SourceError('capture-unsupported');
  video.loop = true;
  video.playsInline = true;
  // Silent for the person, not for the capture, which takes the sound before the volume.
  video.muted = true;
  const url = URL.createObjectURL(file);
  video.src = url;
  const release = () => {
    video.pause();
    video.removeAttribute('src');
    video.load();
    URL.revokeObjectURL(url);
  };
  try {
    await video.play();
  } catch (error) {
    release();
    throw new SourceError('file-unplayable', error);
  }
  const stream = video.captureStream();
  if (stream.getVideoTracks().length === 0) {
    release();
    throw new SourceError('file-unplayable', 'no picture');
  }
  for (const track of stream.getVideoTracks()) track.contentHint = 'motion';
  return {
    kind: 'file',
    stream,
    notice: stream.getAudioTracks().length === 0 ? failure('file-silent') : undefined,
    setAudible(audible) {
      video.muted = !audible;
    },
    stop() {
      stopTracks(stream);
      release();
    },
  };
}
