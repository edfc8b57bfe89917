/** A session with a peer whose answers are the test's. */
import { vi } from 'vitest';
import { AvsacError, type ErrorCode } from '../../shared/errors.ts';
import type { Candidate, NoticeCode, ServerMessage } from '../../shared/signalling.ts';
import { FakeDecoders } from '../../test/fixtures/fake-media.ts';
import { tinyManifest } from '../../test/fixtures/tiny-model.ts';
import { FakeSegmenter, IMMEDIATE_LOGITS } from '../inference/fake-segmenter.ts';
import type { AnswerResult, Peer, PeerListener, PeerState } from '../peer/peer.ts';
import { TelemetryCollector } from '../telemetry/telemetry.ts';
import { Session, type Signalling } from './session.ts';

export const ACCEPTED: AnswerResult = { sdp: 'answer', accepted: ['audio', 'video'], refused: [] };

/** A peer whose answers are the test's, where `FakePeer` negotiates. */
class ScriptedPeer implements Peer {
  state: PeerState = 'new';
  readonly roundTripMs = undefined;
  readonly listener: PeerListener;
  readonly offers: string[] = [];
  readonly candidates: (Candidate | null)[] = [];
  readonly closings: string[] = [];
  answering: () => Promise<AnswerResult> = async () => ACCEPTED;

  constructor(listener: PeerListener) {
    this.listener = listener;
  }

  answer(offerSdp: string): Promise<AnswerResult> {
    this.offers.push(offerSdp);
    return this.answering();
  }

  async addCandidate(candidate: Candidate | null): Promise<void> {
    if (candidate?.candidate === 'nonsense') throw new AvsacError('candidate-invalid');
    this.candidates.push(candidate);
  }

  async close(reason: string): Promise<void> {
    this.closings.push(reason);
    this.become('closed');
  }

  become(state: PeerState): void {
    this.state = state;
    this.listener.state(state);
  }
}

export function join(signalling: Signalling = 'websocket') {
  const messages: ServerMessage[] = [];
  const ends: [reason: string, error: ErrorCode | undefined][] = [];
  const failures: unknown[] = [];
  const lines: string[] = [];
  const segmenter = new FakeSegmenter(tinyManifest(), () => IMMEDIATE_LOGITS);
  const decoders = new FakeDecoders();
  const telemetry = new TelemetryCollector();
  let peer!: ScriptedPeer;
  const session = new Session(
    's',
    {
      signalling,
      maskRateHz: 10,
      peer: { iceServers: [], portRange: undefined, announcedAddresses: [], videoBitrateBps: 1_200_000 },
    },
    {
      createPeer: (_options, listener) => {
        peer = new ScriptedPeer(listener);
        return peer;
      },
      decoders,
      segmenter,
      telemetry,
    },
    {
      send: (message) => messages.push(message),
      result: (line) => lines.push(line),
      failure: (error) => failures.push(error),
      ended: (...end) => ends.push(end),
    },
  );
  const of = <T extends ServerMessage['type']>(type: T) =>
    messages.filter((message): message is Extract<ServerMessage, { type: T }> => message.type === type);
  const offer = async () => {
    session.receive({ type: 'offer', sdp: 'offer' });
    await vi.advanceTimersByTimeAsync(0);
  };
  const connect = async () => {
    await offer();
    peer.become('connected');
  };
  const notices = () => of('notice').map(({ code }): NoticeCode => code);
  const errors = () => of('error').map(({ code }) => code);
  return {
    session,
    peer,
    messages,
    ends,
    failures,
    lines,
    of,
    offer,
    connect,
    notices,
    errors,
    segmenter,
    decoders,
    telemetry,
  };
}
