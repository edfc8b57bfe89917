/** Data channels that send nothing again, or only so often (RFC 7496 §3.1), on werift's SCTP. */

/** Flags of a DATA chunk (RFC 9260 §3.3.1). */
const FIRST_FRAGMENT = 0x02;
const LAST_FRAGMENT = 0x01;

/** Of werift's chunks that have been sent. */
interface SentChunk {
  readonly flags: number;
  readonly sentCount: number;
  readonly maxRetransmits: number | undefined;
  abandoned: boolean;
  retransmit: boolean;
}

/**
 * Replaces the decision whether a chunk that was lost is given up. werift 0.25.2 takes a limit of 0 for none, and gives up the
 * oldest message under way in place of the lost one, be it of a reliable channel.
 *
 * @param transport werift's RTCSctpTransport, whose DTLS transport is set.
 */
export function limitRetransmits(transport: { readonly sctp: object }): void {
  const association = transport.sctp as unknown as { readonly sentQueue: readonly SentChunk[]; maybeAbandon: unknown };
  association.maybeAbandon = (chunk: SentChunk): boolean => {
    if (chunk.abandoned) return true;
    if (chunk.maxRetransmits === undefined || chunk.sentCount <= chunk.maxRetransmits) return false;
    for (const fragment of messageOf(chunk, association.sentQueue)) {
      fragment.abandoned = true;
      fragment.retransmit = false;
    }
    return true;
  };
}

/** All chunks of its message; they follow on each other. */
function messageOf(chunk: SentChunk, queue: readonly SentChunk[]): readonly SentChunk[] {
  const at = queue.indexOf(chunk);
  const first = queue.findLastIndex(({ flags }, i) => i <= at && (flags & FIRST_FRAGMENT) !== 0);
  const last = queue.findIndex(({ flags }, i) => i >= at && (flags & LAST_FRAGMENT) !== 0);
  return queue.slice(first < 0 ? 0 : first, last < 0 ? queue.length : last + 1);
}
