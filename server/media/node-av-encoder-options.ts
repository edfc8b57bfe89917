/** Private options of an encoder. */
import * as constants from 'node-av/constants';
import type { CodecContext } from 'node-av/lib';

/** Before the encoder is opened. Not through its own dictionary: node-av 6.1 frees that a second time at garbage collection. */
export function setOptions(context: CodecContext, options: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(options)) {
    context.setOption(name, value, constants.AV_OPT_TYPE_STRING, constants.AV_OPT_SEARCH_CHILDREN);
  }
}
