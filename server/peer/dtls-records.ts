/** DTLS 1.2 records in the clear (RFC 6347 §4.1): which of them a stranger could have sent. */

const RECORD_HEADER_BYTES = 13;
export const ALERT = 21;
const HANDSHAKE = 22;
const CLIENT_HELLO = 1;

/**
 * True when a datagram holds a record that would end or restart an established association and is not authentic: an
 * alert or a ClientHello of epoch 0. Other handshake records of epoch 0 pass, for a client whose handshake ended with
 * a loss sends them again.
 */
export function isForgeable(datagram: Uint8Array): boolean {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  for (let offset = 0; offset + RECORD_HEADER_BYTES <= datagram.length; ) {
    const contentType = view.getUint8(offset);
    const epoch = view.getUint16(offset + 3);
    const body = offset + RECORD_HEADER_BYTES;
    if (epoch === 0) {
      const hello = contentType === HANDSHAKE && body < datagram.length && view.getUint8(body) === CLIENT_HELLO;
      if (contentType === ALERT || hello) return true;
    }
    offset = body + view.getUint16(offset + 11);
  }
  return false;
}
