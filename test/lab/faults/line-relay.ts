/** What a bad line does to each packet, in each direction. */
export interface LineQuality {
  /** 0 to 100. */
  readonly lossPercent?: number
  readonly delayMs?: number
  /** Each packet waits `delayMs` ± up to this much, so that packets overtake each other, as with tc-netem(8). */
  readonly jitterMs?: number
}

/**
 * Stands between the two ends of a home's line: reads Ethernet frames from one TAP, drops or delays them, writes them to the other.
 * In place of tc-netem, which many kernels come without. Perl, since Debian has it and Node has no ioctl for TUNSETIFF
 * (Documentation/networking/tuntap.rst). ARP passes untouched: the line is bad, not the neighbour.
 */
export const LINE_RELAY = String.raw`
use strict; use warnings; use Time::HiRes qw(time);
my ($loss, $delay, $jitter, @names) = @ARGV;
my @taps = map {
  open(my $tap, '+<', '/dev/net/tun') or die "/dev/net/tun: $!";
  my $request = pack('Z16 S x22', $_, 0x1002);
  ioctl($tap, 0x400454ca, $request) or die "TUNSETIFF $_: $!";
  $tap;
} @names;
$| = 1; print "ready\n";
my @waiting;
while (1) {
  my $bits = '';
  vec($bits, fileno($_), 1) = 1 for @taps;
  my $pause = @waiting ? $waiting[0][0] - time : undef;
  $pause = 0 if defined $pause && $pause < 0;
  my $count = select($bits, undef, undef, $pause);
  for my $side ($count > 0 ? (0, 1) : ()) {
    next unless vec($bits, fileno($taps[$side]), 1);
    next unless sysread($taps[$side], my $frame, 65536);
    my $arp = substr($frame, 12, 2) eq "\x08\x06";
    next if !$arp && rand(100) < $loss;
    next if @waiting >= 10000;
    my $due = time + ($arp ? 0 : ($delay + $jitter * (rand(2) - 1)) / 1000);
    my $place = @waiting;
    $place-- while $place > 0 && $waiting[$place - 1][0] > $due;
    splice(@waiting, $place, 0, [$due, $taps[1 - $side], $frame]);
  }
  while (@waiting && $waiting[0][0] <= time) {
    my (undef, $tap, $frame) = @{shift @waiting};
    syswrite($tap, $frame);
  }
}
`
