/** Rollover counting of SRTP's packet index (RFC 3711 §3.3.1). */
import { serialDistance16 } from '../../shared/clock.ts';

/** One stream's state, as werift keeps it. */
export interface RolloverState {
  rolloverCounter: number;
  /** False before the first packet. */
  rolloverHasProcessed?: boolean;
  lastSequenceNumber: number;
}

/**
 * Moves the state on to the packet with this sequence number. In place of werift's, which counts a rollover only when
 * fewer than 100 packets around it are lost, and with more lost rejects every packet that follows.
 */
export function followRollover(sequenceNumber: number, state: RolloverState): void {
  if (state.rolloverHasProcessed === true) {
    const forward = serialDistance16(sequenceNumber, state.lastSequenceNumber) > 0;
    if (forward && sequenceNumber < state.lastSequenceNumber) state.rolloverCounter++;
    if (!forward && sequenceNumber > state.lastSequenceNumber && state.rolloverCounter > 0) state.rolloverCounter--;
  }
  state.rolloverHasProcessed = true;
  state.lastSequenceNumber = sequenceNumber;
}
