import type { Host } from '../test/lab/host/host.ts'
import { type Answer, parseAnswers } from './recovery/answers.ts'

/** Pings several addresses from one host until it is stopped or its host goes. */
export interface Pinger {
  readonly answers: readonly Answer[]
  /** The first answer to a ping that was sent after `sentAfter`; undefined when none came in time. */
  firstAnswer(of: string, sentAfter: number, timeoutMs: number): Promise<Answer | undefined>
  stop(): Promise<void>
}

/** Seconds of CLOCK_MONOTONIC, which every host of a laboratory shares with this process. */
export function monotonicSeconds(): number {
  return Number(process.hrtime.bigint()) / 1e9
}

/**
 * ICMP echo (RFC 792) to each target, one line for each answer: `ADDRESS SENT RECEIVED`. ping(8) gives up when there is no
 * route and stamps with the calendar's clock; this one goes on whatever sending says.
 */
const PINGER = String.raw`
use strict; use warnings; use Socket qw(:DEFAULT MSG_DONTWAIT); use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);
my ($interval, @targets) = @ARGV;
socket(my $socket, AF_INET, SOCK_RAW, 1) or die "raw socket: $!";
$| = 1;
sub now { clock_gettime(CLOCK_MONOTONIC) }
sub checksum { my $sum = unpack('%32n*', $_[0]); $sum = ($sum >> 16) + ($sum & 0xffff) while $sum >> 16; ~$sum & 0xffff }
my ($id, $sequence, $next) = ($$ & 0xffff, 0, now());
while (1) {
  my $pause = $next - now();
  if ($pause <= 0) {
    $next = now() + $interval;
    $sequence = ($sequence + 1) & 0xffff;
    for my $target (@targets) {
      my $body = pack('nnd', $id, $sequence, now());
      send($socket, pack('CCn', 8, 0, checksum("\x08\x00\x00\x00" . $body)) . $body, 0, pack_sockaddr_in(0, inet_aton($target)));
    }
    next;
  }
  my $bits = ''; vec($bits, fileno($socket), 1) = 1;
  next unless select($bits, undef, undef, $pause) > 0;
  my $from = recv($socket, my $packet, 2048, MSG_DONTWAIT);
  next unless defined $from && length $packet > 20;
  my ($type, $answered, undef, $sent) = eval { unpack('C x3 n n d', substr($packet, 4 * (ord($packet) & 15))) };
  next unless defined $sent && $type == 0 && $answered == $id;
  printf "%s %.6f %.6f\n", inet_ntoa((unpack_sockaddr_in($from))[1]), $sent, now();
}
`

export function startPinger(host: Host, targets: readonly string[], intervalSeconds = 0.1): Pinger {
  const program = host.start('perl', ['-e', PINGER, String(intervalSeconds), ...targets])
  const answers = () => parseAnswers(program.stdout)
  return {
    get answers() {
      return answers()
    },
    async firstAnswer(of, sentAfter, timeoutMs) {
      const deadline = performance.now() + timeoutMs
      for (;;) {
        const found = answers().find((one) => one.from === of && one.sentAt >= sentAfter)
        const left = deadline - performance.now()
        if (found !== undefined || left <= 0) return found
        const line = program.waitForLine(new RegExp(`^${of} `), { after: program.lineCount, timeoutMs: left })
        await line.catch(() => undefined)
        if (program.stderr !== '') throw new Error(`pinging on ${host.name} failed: ${program.stderr}`)
      }
    },
    async stop() {
      await program.stop()
    },
  }
}
