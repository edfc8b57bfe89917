/** Where picture and sound come from. */
export type SourceKind = 'demo' | 'camera' | 'file';

export interface Source {
  readonly kind: SourceKind;
  readonly stream: MediaStream;
  /** Something that is missing but does not prevent the start. */
  readonly notice: { readonly code: string; readonly message: string; readonly remedy: string } | undefined;
  /** Plays the source's own sound to the person; absent where that would feed back. */
  setAudible?(audible: boolean): void;
  /** Ends the stream's tracks and gives devices and files back. Idempotent. */
  stop(): void;
}

export function stopTracks(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}
