import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ProtectionProfileAeadAes128Gcm,
  ProtectionProfileAes128CmHmacSha1_80,
  RtpHeader,
  SrtcpSession,
  SrtpSession,
} from 'werift';
import { SrtcpSender, SrtpReceiver } from './srtp.ts';
import { SRTP_PROFILES, type SrtpProfile } from './srtp-cipher.ts';

const PROFILES = Object.keys(SRTP_PROFILES) as SrtpProfile[];
const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const plainRtp = hex('800f1234 decafbad cafebabe abababab abababab abababab abababab');
const plainRtcp = hex('81c8000b cafebabe abababab abababab abababab abababab');

/** The validation vectors of libsrtp (test/srtp_driver.c). */
const VECTORS = {
  SRTP_AES128_CM_HMAC_SHA1_80: {
    key: hex('e1f97a0d3e018be0d64fa32c06de4139'),
    salt: hex('0ec675ad498afeebb6960b3aabe6'),
    rtp: hex('800f1234decafbadcafebabe 4e55dc4ce79978d88ca4d215949d2402 b78d6acc99ea179b8dbb'),
    rtcp: hex('81c8000bcafebabe 7128035be487b9bdbef89041f977a5a8 80000001 993e08cd54d6c1230798'),
  },
  SRTP_AEAD_AES_128_GCM: {
    key: hex('000102030405060708090a0b0c0d0e0f'),
    salt: hex('a0a1a2a3a4a5a6a7a8a9aaab'),
    rtp: hex('800f1234decafbadcafebabe c5002ede04cfdd2eb91159e0880aa06e d2976826f796b201df3131a127e8a392'),
    rtcp: hex('81c8000bcafebabe c98b8b5df0392a55852b6c21ac8e7025 c52c6fbea2b3b446ea31123ba88ce61e 80000001'),
  },
} satisfies Record<SrtpProfile, unknown>;

/** An independent sender and receiver: werift's, with one master key for both directions. */
function independent(profile: SrtpProfile, key: Buffer, salt: Buffer) {
  const keys = { localMasterKey: key, localMasterSalt: salt, remoteMasterKey: key, remoteMasterSalt: salt };
  const number =
    profile === 'SRTP_AEAD_AES_128_GCM' ? ProtectionProfileAeadAes128Gcm : ProtectionProfileAes128CmHmacSha1_80;
  return { rtp: new SrtpSession({ keys, profile: number }), rtcp: new SrtcpSession({ keys, profile: number }) };
}

describe.each(PROFILES)('%s', (profile) => {
  const { key, salt, rtp, rtcp } = VECTORS[profile];
  const receiver = () => new SrtpReceiver(profile, key, salt);

  it('opens and seals what libsrtp does', () => {
    expect(receiver().openRtp(Buffer.from(rtp))).toEqual(plainRtp);
    expect(receiver().openRtcp(Buffer.from(rtcp))).toEqual(plainRtcp);
    const sender = new SrtcpSender(profile, key, salt);
    sender.seal(plainRtcp);
    expect(sender.seal(plainRtcp)).toEqual(rtcp);
  });

  it('takes no packet of which a bit was changed, and then still takes the true one', () => {
    fc.assert(
      fc.property(fc.nat(), fc.boolean(), (position, control) => {
        const target = receiver();
        const packet = control ? rtcp : rtp;
        const open = (datagram: Buffer) => (control ? target.openRtcp(datagram) : target.openRtp(datagram));
        const changed = Buffer.from(packet);
        const bit = position % (packet.length * 8);
        changed[bit >> 3]! ^= 1 << (bit & 7);
        expect(open(changed)).toBeUndefined();
        expect(open(Buffer.from(packet))).toEqual(control ? plainRtcp : plainRtp);
      }),
    );
  });

  it('takes nothing twice, and no control packet that is older than the newest', () => {
    const target = receiver();
    target.openRtp(Buffer.from(rtp));
    expect(target.openRtp(Buffer.from(rtp))).toBeUndefined();
    const sender = new SrtcpSender(profile, key, salt);
    const [first, second] = [sender.seal(plainRtcp), sender.seal(plainRtcp)];
    expect(target.openRtcp(Buffer.from(second))).toEqual(plainRtcp);
    expect(target.openRtcp(Buffer.from(second))).toBeUndefined();
    expect(target.openRtcp(first)).toBeUndefined();
  });

  it('counts the control packets of each SSRC for itself', () => {
    const target = receiver();
    const [busy, quiet] = [new SrtcpSender(profile, key, salt), new SrtcpSender(profile, key, salt)];
    const report = Buffer.from(plainRtcp);
    report.writeUInt32BE(8, 4);
    for (let i = 0; i < 5; i++) expect(target.openRtcp(busy.seal(plainRtcp))).toEqual(plainRtcp);
    expect(target.openRtcp(quiet.seal(report))).toEqual(report);
  });

  it('answers any bytes with a packet or nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(receiver().openRtp(Uint8Array.from(bytes))).toBeUndefined();
        expect(receiver().openRtcp(Uint8Array.from(bytes))).toBeUndefined();
      }),
    );
  });

  it('opens what another implementation sends, through loss, reordering and wraps of the sequence number', () => {
    const { rtp: sender } = independent(profile, key, salt);
    const target = receiver();
    let sequenceNumber = 65_000;
    for (let i = 0; i < 400; i++) {
      const header = new RtpHeader({ payloadType: 96, sequenceNumber, timestamp: i * 3000, ssrc: 7, csrc: [1, 2] });
      const payload = Buffer.alloc(1 + ((i * 37) % 1200), i);
      // werift's rollover count loses its way when more than some hundred packets around a wrap are lost.
      const sealed = sender.encrypt(payload, header);
      const opened = target.openRtp(Buffer.from(sealed))!;
      expect(opened.subarray(header.serializeSize)).toEqual(payload);
      sequenceNumber = (sequenceNumber + 1 + (i % 7)) & 0xffff;
    }
  });

  it('is understood by another implementation', () => {
    const { rtcp: remote } = independent(profile, key, salt);
    const sender = new SrtcpSender(profile, key, salt);
    for (let words = 0; words < 100; words++) {
      const packet = Buffer.concat([plainRtcp, Buffer.alloc(4 * words, words)]);
      expect(remote.decrypt(sender.seal(packet))).toEqual(packet);
    }
  });
});

describe('packet index', () => {
  it('survives any loss and reordering short of half the range', () => {
    const { key, salt } = VECTORS.SRTP_AES128_CM_HMAC_SHA1_80;
    const step = fc.oneof(fc.integer({ min: -200, max: 400 }), fc.integer({ min: 0, max: 30_000 }));
    fc.assert(
      fc.property(fc.nat(0xffff), fc.array(step, { maxLength: 50 }), (start, steps) => {
        const target = new SrtpReceiver('SRTP_AES128_CM_HMAC_SHA1_80', key, salt);
        const sent = new Set<number>();
        let index = start;
        for (const distance of [0, ...steps]) {
          index = Math.max(start, index + distance);
          const { rtp: sender } = independent('SRTP_AES128_CM_HMAC_SHA1_80', key, salt);
          // Its rollover counter at this index, whatever came before.
          Object.assign(sender.localContext, {
            updateRolloverCount: (_: number, state: { rolloverCounter: number }) => {
              state.rolloverCounter = Math.floor(index / 65_536);
            },
          });
          const header = new RtpHeader({ payloadType: 96, sequenceNumber: index & 0xffff, timestamp: 1, ssrc: 7 });
          const opened = target.openRtp(Buffer.from(sender.encrypt(Buffer.from('sound'), header)));
          expect(opened !== undefined).toBe(!sent.has(index));
          sent.add(index);
        }
      }),
    );
  });
});
