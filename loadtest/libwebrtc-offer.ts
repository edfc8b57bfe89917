/** The offer of a @roamhq/wrtc connection. */

/**
 * Creates an offer and makes it the local description.
 *
 * `localDescription` must not be read while candidates are gathered: @roamhq/wrtc 0.10.0 writes it out on the thread of JavaScript
 * while libwebrtc's own adds candidates to it, and now and then the process dies of that.
 * @returns its SDP, without candidates: those come by `icecandidate`.
 */
export async function offerOf(connection: RTCPeerConnection, options: RTCOfferOptions = {}): Promise<string> {
  const offer = await connection.createOffer(options);
  await connection.setLocalDescription(offer);
  return offer.sdp!;
}
