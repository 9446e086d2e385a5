;; CLIP's operations in WebAssembly SIMD. Go decides and this module computes: it runs a list of commands that package
;; simd has written into this module's own memory, so that a forward pass is one call.
;;
;; Layouts. Activations are float32 matrices with rows padded with zeros to a multiple of 4 values. A weight matrix
;; [n, k] is kept as panels of 8 rows, [ceil(n/8)][k][8] float32, so that the product reads eight weights of one k at
;; once, in order; of large matrices they stay fp16, and a panel is widened when its turn comes. Vectors (biases, gains)
;; are float32, zero up to a multiple of 8. Tables of embeddings stay fp16.
;;
;; Commands are 80 bytes: a number, up to 18 arguments of 4 bytes, and for threads, in 2 bytes, into how many pieces the
;; command is to be cut, and in 1 whether those that sleep are woken for it. Every kernel takes (arguments, piece, pieces)
;; and does that piece's share of its units.
;;
;; assemble.mjs makes the binaries from this text. It expands  @for x 0 3 … @end  with {x}, {x*4} and the like, writes
;; $MUL … $ADD  as one relaxed multiply-add or as a multiplication and an addition, puts the text between  @define NAME
;; and @end  where it says @NAME, leaves  @shared … @unshared  out of modules whose memory is not shared, and takes what
;; is in  @relaxed … @plain … @either  for modules with relaxed multiply-add, or without.
(module
  MEMORY

  (type $kernel (func (param i32 i32 i32)))
  (table 15 funcref)
  (elem (i32.const 1) $gemm $layernorm $attention $patches $embed $tokens $avgpool $rows $normalize
    $horizontal $vertical $winograd $causal $heads)

  ;; piece runs one of a command's equal pieces.
  (func $piece (export "piece") (param $at i32) (param $piece i32) (param $pieces i32)
    (call_indirect (type $kernel)
      (i32.add (local.get $at) (i32.const 4)) (local.get $piece) (local.get $pieces)
      (i32.load (local.get $at))))

  ;; Which thread this instance of the module is: 0 runs commands, the others serve.
  (global $thread (mut i32) (i32.const 0))

  @shared
  ;; ---- threads ----
  ;;
  ;; The thread that runs commands offers one after the other, cut into pieces, and every thread takes the next
  ;; piece when it has done its last. So a thread that sleeps, or whose core is busy with something else, is waited for
  ;; only while it is at a piece; where no other comes, the first does all.
  ;;
  ;; The first words of memory are the threads':
  ;;   8   the offer, 64 bits: how many there have been << 32 | pieces << 16 | pieces taken
  ;;   16  its command
  ;;   20  how many of its pieces were done by others than the first thread, and << 16 how many of these ended the thread
  ;;   24  how many threads sleep until there is another offer, at 12
  ;;   28  whether the first thread sleeps until another piece is done, at 20
  ;;   32  whether a run is under way, in which commands follow at once

  ;; take takes a piece of the offer, if one is left, and does it. The command is the offer's: the next is written only
  ;; when all pieces are taken, and then the exchange fails.
  (func $take (result i32)
    (local $offer i64) (local $at i32) (local $taken i32) (local $pieces i32)
    (loop $again
      (local.set $offer (i64.atomic.load offset=8 (i32.const 0)))
      (local.set $taken (i32.and (i32.wrap_i64 (local.get $offer)) (i32.const 0xffff)))
      (local.set $pieces (i32.shr_u (i32.wrap_i64 (local.get $offer)) (i32.const 16)))
      (if (i32.ge_u (local.get $taken) (local.get $pieces)) (then (return (i32.const 0))))
      (local.set $at (i32.atomic.load offset=16 (i32.const 0)))
      (br_if $again (i64.ne (local.get $offer)
        (i64.atomic.rmw.cmpxchg offset=8 (i32.const 0) (local.get $offer) (i64.add (local.get $offer) (i64.const 1))))))
    (call $piece (local.get $at) (local.get $taken) (local.get $pieces))
    (i32.const 1))

  ;; await returns when others have done so many pieces. It traps if one of them ended in its own. It looks for some tenths
  ;; of a millisecond before it sleeps: a virtual processor that sleeps takes as long to wake, and a pass has dozens of
  ;; commands to wait for.
  (func $await (param $others i32)
    (local $spin i32) (local $done i32)
    (local.set $spin (i32.const 400000))
    (block $all
      (loop $wait
        (local.set $done (i32.atomic.load offset=20 (i32.const 0)))
        (br_if $all (i32.eq (i32.and (local.get $done) (i32.const 0xffff)) (local.get $others)))
        (br_if $wait (local.tee $spin (i32.sub (local.get $spin) (i32.const 1)))))
      (i32.atomic.store offset=28 (i32.const 0) (i32.const 1))
      (loop $asleep
        (local.set $done (i32.atomic.load offset=20 (i32.const 0)))
        (if (i32.ne (i32.and (local.get $done) (i32.const 0xffff)) (local.get $others))
          (then
            (drop (memory.atomic.wait32 offset=20 (i32.const 0) (local.get $done) (i64.const -1)))
            (br $asleep))))
      (i32.atomic.store offset=28 (i32.const 0) (i32.const 0)))
    (if (i32.gt_u (local.get $done) (i32.const 0xffff)) (then (unreachable))))

  ;; serve takes pieces, for ever. After one it looks for the next without a break, for some hundredths of a millisecond:
  ;; the first thread may have something else to do, on this very processor. Then it looks every half a millisecond, for a
  ;; fifth of a second, and then it sleeps. A thread whose own time wakes it has a processor at once. Where processors are
  ;; virtual, one that is woken by another thread can get that one's, and both wait for the system to see that there is one
  ;; idle, for 4 ms: so what is short wakes none, and is shared out among those that look. Of a picture every 50 ms the
  ;; starter's model makes one in 4.0 to 4.8 ms on two threads, where one alone takes 4.7 to 5.1, and one that is woken 7.
  (func (export "serve") (param $thread i32)
    (local $spin i32) (local $seen i32) (local $looks i32)
    (global.set $thread (local.get $thread))
    (loop $forever
      (local.set $seen (i32.atomic.load offset=12 (i32.const 0)))
      (if (call $take)
        (then
          (drop (i32.atomic.rmw.add offset=20 (i32.const 0) (i32.const 1)))
          (if (i32.atomic.load offset=28 (i32.const 0))
            (then (drop (memory.atomic.notify offset=20 (i32.const 0) (i32.const -1)))))
          (local.set $spin (i32.const 20000))
          (local.set $looks (i32.const 400))
          (br $forever)))
      (local.set $spin (i32.sub (local.get $spin) (i32.const 1)))
      (br_if $forever (i32.gt_s (local.get $spin) (i32.const 0)))
      (if (local.get $looks)
        (then
          (local.set $looks (i32.sub (local.get $looks) (i32.const 1)))
          (drop (memory.atomic.wait32 offset=12 (i32.const 0) (local.get $seen) (i64.const 500000))))
        (else
          (drop (i32.atomic.rmw.add offset=24 (i32.const 0) (i32.const 1)))
          (drop (memory.atomic.wait32 offset=12 (i32.const 0) (local.get $seen) (i64.const -1)))
          (drop (i32.atomic.rmw.sub offset=24 (i32.const 0) (i32.const 1)))
          (local.set $looks (i32.const 400))))
      (if (i32.atomic.load offset=32 (i32.const 0)) (then (local.set $spin (i32.const 20000))))
      (br $forever)))
  @unshared

  ;; The command that was offered last, until it is known to be done; 0 where there is none.
  (global $offered (mut i32) (i32.const 0))

  ;; offer lets other threads begin with a command, once the one before is done, while this one goes on. One of a single
  ;; piece is not worth it. Threads that sleep are woken by commands that say so: in a run, and by the first offer outside
  ;; of one, as a thread that is woken again and again can keep the one that woke it from its own work.
  (func $offer (export "offer") (param $at i32)
    (local $wake i32)
    @shared
    (local.set $wake (i32.and
      (i32.load8_u offset=78 (local.get $at))
      (i32.or (i32.eqz (global.get $offered)) (i32.atomic.load offset=32 (i32.const 0)))))
    @unshared
    (call $finish)
    (global.set $offered (local.get $at))
    @shared
    (if (i32.gt_u (i32.load16_u offset=76 (local.get $at)) (i32.const 1))
      (then
        (i32.atomic.store offset=16 (i32.const 0) (local.get $at))
        (i32.atomic.store offset=20 (i32.const 0) (i32.const 0))
        (i64.atomic.store offset=8 (i32.const 0) (i64.or
          (i64.shl (i64.extend_i32_u (i32.add (i32.atomic.load offset=12 (i32.const 0)) (i32.const 1))) (i64.const 32))
          (i64.extend_i32_u (i32.shl (i32.load16_u offset=76 (local.get $at)) (i32.const 16)))))
        (if (i32.and (local.get $wake) (i32.ne (i32.atomic.load offset=24 (i32.const 0)) (i32.const 0)))
          (then (drop (memory.atomic.notify offset=12 (i32.const 0) (i32.const -1)))))))
    @unshared
  )

  ;; finish does what is left of the command that was offered.
  (func $finish
    (local $at i32) (local $others i32)
    (local.set $at (global.get $offered))
    (if (i32.eqz (local.get $at)) (then (return)))
    (global.set $offered (i32.const 0))
    @shared
    (local.set $others (i32.load16_u offset=76 (local.get $at)))
    (if (i32.gt_u (local.get $others) (i32.const 1))
      (then
        (loop $mine
          (if (call $take)
            (then
              (local.set $others (i32.sub (local.get $others) (i32.const 1)))
              (br $mine))))
        (call $await (local.get $others))
        (return)))
    @unshared
    (call $piece (local.get $at) (i32.const 0) (i32.const 1)))

  ;; run runs the commands in [at, end), after what was offered. Who sleeps is woken at its end, to look for the next run.
  (func (export "run") (param $at i32) (param $end i32)
    @shared
    (i32.atomic.store offset=32 (i32.const 0) (i32.const 1))
    @unshared
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (call $offer (local.get $at))
        (local.set $at (i32.add (local.get $at) (i32.const 80)))
        (br $next)))
    (call $finish)
    @shared
    (i32.atomic.store offset=32 (i32.const 0) (i32.const 0))
    (if (i32.atomic.load offset=24 (i32.const 0))
      (then (drop (memory.atomic.notify offset=12 (i32.const 0) (i32.const -1)))))
    @unshared
  )

  ;; share is where a piece's part of units begins; that of piece + 1 is where it ends.
  (func $share (param $units i32) (param $piece i32) (param $pieces i32) (result i32)
    (i32.div_u (i32.mul (local.get $units) (local.get $piece)) (local.get $pieces)))

  ;; ---- elementary functions, four at a time ----

  ;; @EXP2 makes $e = 2^$t, |$t| ≤ 126: 2^n·(1 + r·q(r)), n the nearest integer, r = $t − n. Of n and 1.5·2^23 the sum has n
  ;; in its last bits; shifted into place, they are added to the exponent. q is (2^r − 1)/r interpolated at Chebyshev's
  ;; nodes of [−½, ½]; the relative error is below 1e-7. It is text, so that its constants are locals, set once before
  ;; a loop: where a constant is written, Chromium makes it anew each time, by three instructions.
  @define EXP2_LOCALS
    (local $t v128) (local $e v128) (local $magic v128)
    @for i 0 6
    (local $k{i} v128)
    @end
  @end
  @define EXP2_CONSTANTS
    (local.set $magic (f32x4.splat (f32.const 12582912)))
    (local.set $k0 (f32x4.splat (f32.const 1)))
    (local.set $k1 (f32x4.splat (f32.const 0.6931471824645996)))
    (local.set $k2 (f32x4.splat (f32.const 0.24022650718688965)))
    (local.set $k3 (f32x4.splat (f32.const 0.055503569543361664)))
    (local.set $k4 (f32x4.splat (f32.const 0.009618083015084267)))
    (local.set $k5 (f32x4.splat (f32.const 0.0013390863314270973)))
    (local.set $k6 (f32x4.splat (f32.const 0.00015453163359779865)))
  @end
  @define EXP2
    (local.set $e (f32x4.add (local.get $t) (local.get $magic)))
    (local.set $t (f32x4.sub (local.get $t) (f32x4.sub (local.get $e) (local.get $magic))))
    (local.get $k6)
    (local.get $t) $MUL (local.get $k5) $ADD
    (local.get $t) $MUL (local.get $k4) $ADD
    (local.get $t) $MUL (local.get $k3) $ADD
    (local.get $t) $MUL (local.get $k2) $ADD
    (local.get $t) $MUL (local.get $k1) $ADD
    (local.get $t) $MUL (local.get $k0) $ADD
    (i32x4.add (i32x4.shl (local.get $e) (i32.const 23)))
    (local.set $e)
  @end

  ;; curve activates n vectors of each of m rows, in place: 2 quick GELU, 3 GELU with erf of Abramowitz & Stegun 7.1.26
  ;; (error 1.5e-7). (1, ReLU, is a maximum; who stores the results sees to it.)
  (func $curve (param $at i32) (param $n i32) (param $m i32) (param $pitch i32) (param $act i32)
    (local $x v128) (local $one v128) (local $limit v128) (local $scale v128) (local $end i32)
    @for i 0 4
    (local $p{i} v128)
    @end
    (local $half v128) (local $sign v128) (local $slope v128)
    @EXP2_LOCALS
    @EXP2_CONSTANTS
    (local.set $one (f32x4.splat (f32.const 1)))
    (local.set $limit (f32x4.splat (f32.const 126)))
    (local.set $n (i32.shl (local.get $n) (i32.const 4))) ;; bytes from here on
    (if (i32.eq (local.get $act) (i32.const 2))
      (then
        (local.set $scale (f32x4.splat (f32.const -2.4554669595930157))) ;; −1.702·log₂e
        (loop $quick_rows
          (local.set $end (i32.add (local.get $at) (local.get $n)))
          (loop $quick
            (local.set $x (v128.load (local.get $at)))
            ;; Where x is so low, the quotient is zero; where it is so high, it is x.
            (local.set $t (f32x4.pmax (f32x4.neg (local.get $limit)) (f32x4.pmin (local.get $limit) (f32x4.mul (local.get $x) (local.get $scale)))))
            @EXP2
            (v128.store (local.get $at) (f32x4.div (local.get $x) (f32x4.add (local.get $one) (local.get $e))))
            (br_if $quick (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $end))))
          (local.set $at (i32.add (local.get $at) (i32.sub (local.get $pitch) (local.get $n))))
          (br_if $quick_rows (local.tee $m (i32.sub (local.get $m) (i32.const 1))))))
      (else
        (local.set $scale (f32x4.splat (f32.const -0.72134752044448170))) ;; −½·log₂e
        (local.set $slope (f32x4.splat (f32.const 0.23164189))) ;; 0.3275911/√2
        (local.set $half (f32x4.splat (f32.const 0.5)))
        (local.set $sign (i32x4.splat (i32.const 0x80000000)))
        (local.set $p0 (f32x4.splat (f32.const 0.254829592)))
        (local.set $p1 (f32x4.splat (f32.const -0.284496736)))
        (local.set $p2 (f32x4.splat (f32.const 1.421413741)))
        (local.set $p3 (f32x4.splat (f32.const -1.453152027)))
        (local.set $p4 (f32x4.splat (f32.const 1.061405429)))
        (loop $rows
          (local.set $end (i32.add (local.get $at) (local.get $n)))
          (loop $gelu
            (local.set $x (v128.load (local.get $at)))
            (local.set $t (f32x4.pmax (f32x4.neg (local.get $limit)) (f32x4.mul (f32x4.mul (local.get $x) (local.get $x)) (local.get $scale))))
            @EXP2
            ;; e = exp(−x²/2); with u = 1/(1 + 0.3275911·|x|/√2), erfc(|x|/√2) = u·p(u)·e
            (local.set $t (f32x4.div (local.get $one) (f32x4.add (local.get $one) (f32x4.mul (local.get $slope) (f32x4.abs (local.get $x))))))
            (local.get $p4)
            (local.get $t) $MUL (local.get $p3) $ADD
            (local.get $t) $MUL (local.get $p2) $ADD
            (local.get $t) $MUL (local.get $p1) $ADD
            (local.get $t) $MUL (local.get $p0) $ADD
            (f32x4.mul (local.get $t))
            (f32x4.mul (local.get $e))
            (local.set $t)
            ;; x·Φ(x) = x/2·(1 + sign(x)·(1 − erfc))
            (v128.store (local.get $at) (f32x4.mul (f32x4.mul (local.get $x) (local.get $half))
              (f32x4.add (local.get $one) (v128.bitselect (local.get $x) (f32x4.sub (local.get $one) (local.get $t)) (local.get $sign)))))
            (br_if $gelu (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $end))))
          (local.set $at (i32.add (local.get $at) (i32.sub (local.get $pitch) (local.get $n))))
          (br_if $rows (local.tee $m (i32.sub (local.get $m) (i32.const 1))))))))

  ;; floor is what results are at least: 0 for ReLU. As the second operand of pmax it leaves what is no number as it is.
  (func $floor (param $act i32) (result v128)
    (f32x4.splat (select (f32.const 0) (f32.const -inf) (i32.eq (local.get $act) (i32.const 1)))))

  (func $sum (param $x v128) (result f32)
    (f32.add
      (f32.add (f32x4.extract_lane 0 (local.get $x)) (f32x4.extract_lane 1 (local.get $x)))
      (f32.add (f32x4.extract_lane 2 (local.get $x)) (f32x4.extract_lane 3 (local.get $x)))))

  ;; half4 widens the four fp16 values at addr. Shifting exponent and mantissa into place, between the sign and its
  ;; copies, leaves the exponent 112 too low, which a multiplication puts right, for subnormals too; there is no infinity
  ;; among weights.
  (func $half4 (param $addr i32) (result v128)
    (f32x4.mul
      (v128.and
        (i32x4.shl (v128.load16x4_s (local.get $addr)) (i32.const 13))
        (v128.const i32x4 0x8fffffff 0x8fffffff 0x8fffffff 0x8fffffff))
      (v128.const i32x4 0x77800000 0x77800000 0x77800000 0x77800000)))

  ;; widened does the same to the eight values in b0, for b0 and b1, with fewer instructions: what ends up in the upper
  ;; and in the lower half of a float32 is made of all eight at once. Its constants are locals, as Chromium would make them
  ;; anew each time; constants1 sets them.
  @define constants0
  @end
  @define constants1
  (local.set $mask (v128.const i32x4 0x8fff8fff 0x8fff8fff 0x8fff8fff 0x8fff8fff))
  (local.set $scale (v128.const i32x4 0x77800000 0x77800000 0x77800000 0x77800000))
  @end
  @define widened
  (local.set $b1 (i16x8.shl (local.get $b0) (i32.const 13)))
  (local.set $b0 (v128.and (i16x8.shr_s (local.get $b0) (i32.const 3)) (local.get $mask)))
  (local.set $x (f32x4.mul (local.get $scale) (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $b1) (local.get $b0))))
  (local.set $b1 (f32x4.mul (local.get $scale) (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $b1) (local.get $b0))))
  (local.set $b0 (local.get $x))
  @end

  ;; ---- weights ----

  ;; pack0 puts count fp16 values (a multiple of 4), the values from index from on of a matrix with rows of k, into
  ;; panels of float32; pack1 leaves them fp16.
  @define put0
  (local.set $v (call $half4 (local.get $src)))
  @for i 0 3
  (v128.store32_lane offset={i*32} {i} (local.get $at) (local.get $v))
  @end
  @end
  @define put1
  (local.set $v (v128.load64_zero (local.get $src)))
  @for i 0 3
  (v128.store16_lane offset={i*16} {i} (local.get $at) (local.get $v))
  @end
  @end
  @for w 0 1
  (func (export "pack{w}") (param $src i32) (param $count i32) (param $panels i32) (param $from i32) (param $k i32)
    (local $row i32) (local $col i32) (local $at i32) (local $v v128)
    (local.set $row (i32.div_u (local.get $from) (local.get $k)))
    (local.set $col (i32.rem_u (local.get $from) (local.get $k)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        ;; panels + ((row/8·k + col)·8 + row%8)·4, or ·2
        (local.set $at (i32.add (local.get $panels) (i32.shl
          (i32.add
            (i32.shl (i32.add (i32.mul (i32.shr_u (local.get $row) (i32.const 3)) (local.get $k)) (local.get $col)) (i32.const 3))
            (i32.and (local.get $row) (i32.const 7)))
          (i32.sub (i32.const 2) (i32.const {w})))))
        @put{w}
        (local.set $src (i32.add (local.get $src) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 4)))
        (local.set $col (i32.add (local.get $col) (i32.const 4)))
        (if (i32.eq (local.get $col) (local.get $k))
          (then
            (local.set $col (i32.const 0))
            (local.set $row (i32.add (local.get $row) (i32.const 1)))))
        (br $next))))
  @end

  ;; packTransposed puts count fp16 values (a multiple of 4), the values from index from on of a matrix [k, n], into
  ;; the panels of its transpose. n is a multiple of 8.
  (func (export "packTransposed") (param $src i32) (param $count i32) (param $panels i32) (param $from i32) (param $k i32) (param $n i32)
    (local $row i32) (local $col i32)
    (local.set $row (i32.div_u (local.get $from) (local.get $n)))
    (local.set $col (i32.rem_u (local.get $from) (local.get $n)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        ;; panels + ((col/8·k + row)·8 + col%8)·4
        (v128.store
          (i32.add (local.get $panels) (i32.shl
            (i32.add
              (i32.shl (i32.add (i32.mul (i32.shr_u (local.get $col) (i32.const 3)) (local.get $k)) (local.get $row)) (i32.const 3))
              (i32.and (local.get $col) (i32.const 7)))
            (i32.const 2)))
          (call $half4 (local.get $src)))
        (local.set $src (i32.add (local.get $src) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 4)))
        (local.set $col (i32.add (local.get $col) (i32.const 4)))
        (if (i32.eq (local.get $col) (local.get $n))
          (then
            (local.set $col (i32.const 0))
            (local.set $row (i32.add (local.get $row) (i32.const 1)))))
        (br $next))))

  ;; widen puts count fp16 values (a multiple of 4) at dst as float32.
  (func (export "widen") (param $src i32) (param $count i32) (param $dst i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (v128.store (local.get $dst) (call $half4 (local.get $src)))
        (local.set $src (i32.add (local.get $src) (i32.const 8)))
        (local.set $dst (i32.add (local.get $dst) (i32.const 16)))
        (local.set $count (i32.sub (local.get $count) (i32.const 4)))
        (br $next))))

  ;; ---- matrix product ----

  ;; tile makes a block of 4 rows of a product with one panel of 8 weights' rows:
  ;;   out[i, j] = act(Σ_s Σ_c row(i, s)[c]·panel[s·width + c][j] + bias[j] + residual[i, j])
  ;; Rows of the left matrix are found through table, [block][segment][4] addresses, so that a convolution is a product
  ;; too: its segments are the kernel's taps. 4×8 results stay in registers; a row value is splat and meets 8 weights.
  ;; With 16 registers of 4 lanes there is room for no larger tile (4×12 and 6×8 spill).
  ;;
  ;; Every turn reads a word from soon on, step bytes further each time: so a part of the next panel is in the cache when
  ;; it is needed, and has come while this one was computed with. The processor's own prefetching, which follows reads,
  ;; would begin only then: weights that no cache holds made the products of a text 11 % slower, of a picture 8 %.
  ;;
  ;; tile0 reads panels of float32. tile1 reads the panel's values from halves, which are fp16, and leaves them as float32
  ;; where its panel is, for the tiles below it: so a panel is widened once, which takes as long as a third of a tile.
  ;;
  ;; A turn has four k. Where there is no relaxed multiply-add, as in WebKit, they are a loop of their own: written out, a
  ;; picture of TinyCLIP-8M's shape takes WebKit 160 ms instead of 123. With it, the loop costs Chromium a seventh.
  @define multiply
  (local.set $b0 (v128.load offset={k*32} (local.get $b)))
  (local.set $b1 (v128.load offset={k*32+16} (local.get $b)))
  @for r 0 3
  (local.set $x (v128.load32_splat offset={k*4} (local.get $a{r})))
  local.get $x local.get $b0 $MUL local.get $c{r}0 $ADD local.set $c{r}0
  local.get $x local.get $b1 $MUL local.get $c{r}1 $ADD local.set $c{r}1
  @end
  @end
  @define widen0
  @end
  @define widen1
  @for k 0 3
  (local.set $b0 (v128.load offset={k*16} (local.get $halves)))
  @widened
  (v128.store offset={k*32} (local.get $b) (local.get $b0))
  (v128.store offset={k*32+16} (local.get $b) (local.get $b1))
  @end
  (local.set $halves (i32.add (local.get $halves) (i32.const 64)))
  @end
  @for w 0 1
  (func $tile{w}
    (param $table i32) (param $segments i32) (param $width i32) (param $panels i32) (param $stride i32) (param $p i32)
    (param $block i32) (param $m i32) (param $bias i32) (param $residual i32) (param $out i32) (param $pitch i32) (param $act i32)
    (param $soon i32) (param $step i32) (param $halves i32)
    (local $s i32) (local $t i32) (local $b i32) (local $four i32) (local $end i32) (local $at i32) (local $delta i32) (local $left i32) (local $vectors i32)
    @for r 0 3
    (local $a{r} i32) (local $c{r}0 v128) (local $c{r}1 v128)
    @end
    (local $b0 v128) (local $b1 v128) (local $x v128) (local $mask v128) (local $scale v128)
    @constants{w}
    ;; residual lies as out does
    (local.set $delta (i32.sub (local.get $residual) (local.get $out)))
    (local.set $table (i32.add (local.get $table) (i32.shl (i32.mul (local.get $block) (local.get $segments)) (i32.const 4))))
    (local.set $out (i32.add (local.get $out) (i32.mul (i32.shl (local.get $block) (i32.const 2)) (local.get $pitch))))
    (local.set $left (i32.sub (local.get $m) (i32.shl (local.get $block) (i32.const 2))))
    (local.set $b (i32.add (local.get $panels) (i32.mul (local.get $p) (local.get $stride))))
    (if (local.get $bias)
      (then
        (local.set $c00 (v128.load (i32.add (local.get $bias) (i32.shl (local.get $p) (i32.const 5)))))
        (local.set $c01 (v128.load offset=16 (i32.add (local.get $bias) (i32.shl (local.get $p) (i32.const 5))))))
      (else
        (local.set $c00 (v128.const f32x4 0 0 0 0))
        (local.set $c01 (v128.const f32x4 0 0 0 0))))
    @for r 1 3
    (local.set $c{r}0 (local.get $c00))
    (local.set $c{r}1 (local.get $c01))
    @end
    (local.set $t (local.get $table))
    (local.set $s (local.get $segments))
    (loop $segment
      @for r 0 3
      (local.set $a{r} (i32.load offset={r*4} (local.get $t)))
      @end
      (local.set $end (i32.add (local.get $a0) (i32.shl (local.get $width) (i32.const 2))))
      (loop $k
        @widen{w}
        @relaxed
        @for k 0 3
        @multiply
        @end
        (local.set $b (i32.add (local.get $b) (i32.const 128)))
        (drop (i32.load (local.get $soon)))
        (local.set $soon (i32.add (local.get $soon) (local.get $step)))
        @for r 1 3
        (local.set $a{r} (i32.add (local.get $a{r}) (i32.const 16)))
        @end
        (br_if $k (i32.lt_u (local.tee $a0 (i32.add (local.get $a0) (i32.const 16))) (local.get $end))))
        @plain
        (drop (i32.load (local.get $soon)))
        (local.set $soon (i32.add (local.get $soon) (local.get $step)))
        (local.set $four (i32.add (local.get $a0) (i32.const 16)))
        (loop $one
          @for k 0 0
          @multiply
          @end
          (local.set $b (i32.add (local.get $b) (i32.const 32)))
          @for r 1 3
          (local.set $a{r} (i32.add (local.get $a{r}) (i32.const 4)))
          @end
          (br_if $one (i32.lt_u (local.tee $a0 (i32.add (local.get $a0) (i32.const 4))) (local.get $four))))
        (br_if $k (i32.lt_u (local.get $a0) (local.get $end))))
        @either
      (local.set $t (i32.add (local.get $t) (i32.const 16)))
      (br_if $segment (local.tee $s (i32.sub (local.get $s) (i32.const 1)))))
    ;; Of the last panel only the first half may lie inside of the padded row; of the last block only some rows.
    (local.set $at (i32.add (local.get $out) (i32.shl (local.get $p) (i32.const 5))))
    (local.set $vectors (i32.add (i32.const 1) (i32.lt_u (i32.add (i32.shl (local.get $p) (i32.const 5)) (i32.const 16)) (local.get $pitch))))
    (local.set $x (call $floor (local.get $act)))
    (block $stored
      @for r 0 3
      (br_if $stored (i32.le_s (local.get $left) (i32.const {r})))
      (if (local.get $residual)
        (then
          (local.set $c{r}0 (f32x4.add (local.get $c{r}0) (v128.load (i32.add (local.get $at) (local.get $delta)))))
          (if (i32.eq (local.get $vectors) (i32.const 2))
            (then (local.set $c{r}1 (f32x4.add (local.get $c{r}1) (v128.load offset=16 (i32.add (local.get $at) (local.get $delta)))))))))
      (v128.store (local.get $at) (f32x4.pmax (local.get $c{r}0) (local.get $x)))
      (if (i32.eq (local.get $vectors) (i32.const 2))
        (then (v128.store offset=16 (local.get $at) (f32x4.pmax (local.get $c{r}1) (local.get $x)))))
      (local.set $at (i32.add (local.get $at) (local.get $pitch)))
      @end
    )
    (if (i32.gt_u (local.get $act) (i32.const 1))
      (then (call $curve (i32.add (local.get $out) (i32.shl (local.get $p) (i32.const 5))) (local.get $vectors)
        (select (local.get $left) (i32.const 4) (i32.lt_s (local.get $left) (i32.const 4))) (local.get $pitch) (local.get $act)))))
  @end

  ;; single makes the first row of a block with four panels, or those that are left of [p, p1). Every sum is added up as
  ;; tile does, so that a row has the same result beside others and alone. single0 reads float32, single1 fp16.
  @define weights0
  (local.set $b0 (v128.load offset={k*32} (local.get $at{j})))
  (local.set $b1 (v128.load offset={k*32+16} (local.get $at{j})))
  @end
  @define weights1
  (local.set $b0 (v128.load offset={k*16} (local.get $at{j})))
  @widened
  @end
  @for w 0 1
  (func $single{w}
    (param $table i32) (param $segments i32) (param $width i32) (param $panels i32) (param $stride i32) (param $p i32) (param $p1 i32)
    (param $block i32) (param $bias i32) (param $residual i32) (param $out i32) (param $pitch i32) (param $act i32)
    (local $s i32) (local $t i32) (local $a i32) (local $end i32) (local $q i32) (local $y v128)
    (local $b0 v128) (local $b1 v128) (local $x v128) (local $mask v128) (local $scale v128)
    @for j 0 3
    (local $at{j} i32) (local $c{j}0 v128) (local $c{j}1 v128)
    @end
    @constants{w}
    (local.set $table (i32.add (local.get $table) (i32.shl (i32.mul (local.get $block) (local.get $segments)) (i32.const 4))))
    (local.set $block (i32.mul (i32.shl (local.get $block) (i32.const 2)) (local.get $pitch))) ;; bytes from here on
    (local.set $out (i32.add (local.get $out) (local.get $block)))
    (if (local.get $residual) (then (local.set $residual (i32.add (local.get $residual) (local.get $block)))))
    ;; Where fewer than four are left, the last is made again, and not stored.
    @for j 0 3
    (local.set $q (i32.add (local.get $p) (i32.const {j})))
    (if (i32.ge_u (local.get $q) (local.get $p1)) (then (local.set $q (i32.sub (local.get $p1) (i32.const 1)))))
    (local.set $at{j} (i32.add (local.get $panels) (i32.mul (local.get $q) (local.get $stride))))
    (if (local.get $bias)
      (then
        (local.set $c{j}0 (v128.load (i32.add (local.get $bias) (i32.shl (local.get $q) (i32.const 5)))))
        (local.set $c{j}1 (v128.load offset=16 (i32.add (local.get $bias) (i32.shl (local.get $q) (i32.const 5))))))
      (else
        (local.set $c{j}0 (v128.const f32x4 0 0 0 0))
        (local.set $c{j}1 (v128.const f32x4 0 0 0 0))))
    @end
    (local.set $t (local.get $table))
    (local.set $s (local.get $segments))
    (loop $segment
      (local.set $a (i32.load (local.get $t)))
      (local.set $end (i32.add (local.get $a) (i32.shl (local.get $width) (i32.const 2))))
      (loop $k
        @for k 0 3
        (local.set $y (v128.load32_splat offset={k*4} (local.get $a)))
        @for j 0 3
        @weights{w}
        local.get $y local.get $b0 $MUL local.get $c{j}0 $ADD local.set $c{j}0
        local.get $y local.get $b1 $MUL local.get $c{j}1 $ADD local.set $c{j}1
        @end
        @end
        @for j 0 3
        (local.set $at{j} (i32.add (local.get $at{j}) (i32.shr_u (i32.const 128) (i32.const {w}))))
        @end
        (br_if $k (i32.lt_u (local.tee $a (i32.add (local.get $a) (i32.const 16))) (local.get $end))))
      (local.set $t (i32.add (local.get $t) (i32.const 16)))
      (br_if $segment (local.tee $s (i32.sub (local.get $s) (i32.const 1)))))
    (local.set $x (call $floor (local.get $act)))
    (local.set $a (i32.const 0)) ;; vectors that are stored
    (block $stored
      @for j 0 3
      (local.set $q (i32.add (local.get $p) (i32.const {j})))
      (br_if $stored (i32.ge_u (local.get $q) (local.get $p1)))
      (local.set $q (i32.shl (local.get $q) (i32.const 5))) ;; bytes
      @for h 0 1
      (br_if $stored (i32.ge_u (i32.add (local.get $q) (i32.const {h*16})) (local.get $pitch)))
      (if (local.get $residual)
        (then (local.set $c{j}{h} (f32x4.add (local.get $c{j}{h}) (v128.load offset={h*16} (i32.add (local.get $residual) (local.get $q)))))))
      (v128.store offset={h*16} (i32.add (local.get $out) (local.get $q)) (f32x4.pmax (local.get $c{j}{h}) (local.get $x)))
      (local.set $a (i32.add (local.get $a) (i32.const 1)))
      @end
      @end
    )
    (if (i32.gt_u (local.get $act) (i32.const 1))
      (then (call $curve (i32.add (local.get $out) (i32.shl (local.get $p) (i32.const 5))) (local.get $a) (i32.const 1) (i32.const 0) (local.get $act)))))
  @end

  ;; product runs tile over blocks [i0, i1) and panels [p0, p1), chunk blocks at a time: their rows stay in the second
  ;; cache while all panels pass, and a panel stays in the first while the chunk's blocks pass, each of which reads its
  ;; part of the next panel ahead. Panels are stride bytes apart; they are fp16 where there is scratch, for one of them as
  ;; float32.
  @define singles_arguments
  (local.get $table) (local.get $segments) (local.get $width) (local.get $panels) (local.get $stride)
  (local.get $p) (local.get $p1) (local.get $i1)
  (local.get $bias) (local.get $residual) (local.get $out) (local.get $pitch) (local.get $act)
  @end
  @define tiles_arguments
  (local.get $table) (local.get $segments) (local.get $width) (local.get $wide) (local.get $apart)
  (local.get $p) (local.get $i) (local.get $m)
  (local.get $bias) (local.get $residual) (local.get $out) (local.get $pitch) (local.get $act)
  (local.get $soon) (local.get $step)
  @end
  (func $product
    (param $table i32) (param $segments i32) (param $width i32) (param $panels i32) (param $stride i32) (param $p0 i32) (param $p1 i32)
    (param $i0 i32) (param $i1 i32) (param $chunk i32) (param $m i32) (param $bias i32) (param $residual i32) (param $out i32) (param $pitch i32) (param $act i32) (param $scratch i32)
    (local $p i32) (local $i i32) (local $stop i32) (local $lone i32) (local $size i32) (local $soon i32) (local $step i32) (local $part i32)
    (local $half i32) (local $wide i32) (local $apart i32) (local $blocks i32) (local $page i32) (local $end i32)
    (local.set $half (i32.ne (local.get $scratch) (i32.const 0)))
    ;; of the panels that tiles read: all of them, or the one that is widened
    (local.set $wide (select (local.get $scratch) (local.get $panels) (local.get $half)))
    (local.set $apart (select (i32.const 0) (local.get $stride) (local.get $half)))
    (local.set $size (i32.shl (i32.mul (local.get $segments) (local.get $width)) (i32.sub (i32.const 5) (local.get $half))))
    ;; A lone last row is a quarter of the work without the three beside it.
    (local.set $lone (i32.eq (i32.sub (local.get $m) (i32.shl (i32.sub (local.get $i1) (i32.const 1)) (i32.const 2))) (i32.const 1)))
    (local.set $i1 (i32.sub (local.get $i1) (local.get $lone)))
    (loop $chunks
      (local.set $stop (i32.add (local.get $i0) (local.get $chunk)))
      (if (i32.gt_u (local.get $stop) (local.get $i1)) (then (local.set $stop (local.get $i1))))
      (local.set $blocks (i32.sub (local.get $stop) (local.get $i0)))
      (if (local.get $blocks) ;; none where the lone row is all
        (then
          (local.set $step (i32.div_u (i32.shr_u (i32.const 128) (local.get $half)) (local.get $blocks)))
          (local.set $part (i32.div_u (local.get $size) (local.get $blocks)))))
      (local.set $p (local.get $p0))
      (block $paneled
        (loop $panel
          (br_if $paneled (i32.ge_u (local.get $p) (local.get $p1)))
          (if (i32.and (local.get $lone) (i32.and
                (i32.eq (local.get $stop) (local.get $i1))
                (i32.eqz (i32.and (i32.sub (local.get $p) (local.get $p0)) (i32.const 3)))))
            (then (if (local.get $half)
              (then (call $single1 (local.get $table) (local.get $segments) (local.get $width) (local.get $panels) (local.get $stride)
                (local.get $p) (local.get $p1) (local.get $i1)
                (local.get $bias) (local.get $residual) (local.get $out) (local.get $pitch) (local.get $act)))
              (else (call $single0 (local.get $table) (local.get $segments) (local.get $width) (local.get $panels) (local.get $stride)
                (local.get $p) (local.get $p1) (local.get $i1)
                (local.get $bias) (local.get $residual) (local.get $out) (local.get $pitch) (local.get $act))))))
          (local.set $i (local.get $i0))
          ;; After the last panel there may be no memory.
          (local.set $soon (i32.add (local.get $panels) (i32.mul (local.get $stride)
            (i32.add (local.get $p) (i32.lt_u (i32.add (local.get $p) (i32.const 1)) (local.get $p1))))))
          ;; To find a page takes as long as a tile's part of it: where few blocks pass, one word of each page of the
          ;; panel after the next is read, so that they are found side by side.
          (if (i32.and
                (i32.lt_u (local.get $blocks) (i32.const 5))
                (i32.lt_u (i32.add (local.get $p) (i32.const 2)) (local.get $p1)))
            (then
              (local.set $page (i32.add (local.get $soon) (local.get $stride)))
              (local.set $end (i32.add (local.get $page) (local.get $size)))
              (loop $pages
                (drop (i32.load (local.get $page)))
                (br_if $pages (i32.lt_u (local.tee $page (i32.add (local.get $page) (i32.const 4096))) (local.get $end))))))
          (block $blocked
            (loop $block
              (br_if $blocked (i32.ge_u (local.get $i) (local.get $stop)))
              (if (i32.and (local.get $half) (i32.eq (local.get $i) (local.get $i0)))
                (then (call $tile1
                  @tiles_arguments
                  (i32.add (local.get $panels) (i32.mul (local.get $p) (local.get $stride)))))
                (else (call $tile0
                  @tiles_arguments
                  (i32.const 0))))
              (local.set $soon (i32.add (local.get $soon) (local.get $part)))
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br $block)))
          (local.set $p (i32.add (local.get $p) (i32.const 1)))
          (br $panel)))
      (local.set $i0 (local.get $stop))
      (br_if $chunks (i32.lt_u (local.get $i0) (local.get $i1)))))

  ;; gemm: table, segments, width, panels, panel count, block count, chunk, m, bias, residual, out, pitch (bytes), act,
  ;; whether pieces are of blocks (else of panels), scratch (0: panels are float32), its bytes a thread
  (func $gemm (param $a i32) (param $piece i32) (param $pieces i32)
    (local $scratch i32) (local $p0 i32) (local $p1 i32) (local $i0 i32) (local $i1 i32)
    (local.set $p1 (i32.load offset=16 (local.get $a)))
    (local.set $i1 (i32.load offset=20 (local.get $a)))
    (if (i32.load offset=52 (local.get $a))
      (then
        (local.set $i0 (call $share (local.get $i1) (local.get $piece) (local.get $pieces)))
        (local.set $i1 (call $share (local.get $i1) (i32.add (local.get $piece) (i32.const 1)) (local.get $pieces))))
      (else
        (local.set $p0 (call $share (local.get $p1) (local.get $piece) (local.get $pieces)))
        (local.set $p1 (call $share (local.get $p1) (i32.add (local.get $piece) (i32.const 1)) (local.get $pieces)))))
    (if (local.tee $scratch (i32.load offset=56 (local.get $a)))
      (then (local.set $scratch (i32.add (local.get $scratch) (i32.mul (global.get $thread) (i32.load offset=60 (local.get $a)))))))
    (call $product (i32.load (local.get $a)) (i32.load offset=4 (local.get $a)) (i32.load offset=8 (local.get $a)) (i32.load offset=12 (local.get $a))
      (i32.shl (i32.mul (i32.load offset=4 (local.get $a)) (i32.load offset=8 (local.get $a))) (i32.sub (i32.const 5) (i32.ne (local.get $scratch) (i32.const 0))))
      (local.get $p0) (local.get $p1) (local.get $i0) (local.get $i1) (i32.load offset=24 (local.get $a)) (i32.load offset=28 (local.get $a))
      (i32.load offset=32 (local.get $a)) (i32.load offset=36 (local.get $a)) (i32.load offset=40 (local.get $a)) (i32.load offset=44 (local.get $a))
      (i32.load offset=48 (local.get $a)) (local.get $scratch)))

  ;; heads: products of every head's rows with its own weights: x, from row to row of x, from head to head, weights, from
  ;; panel to panel, from head to head, width, panel count, m, bias (0: none), from head to head, out, from row to row,
  ;; from head to head, heads, table, its bytes a thread. All steps are bytes. A unit is a head.
  (func $heads (param $a i32) (param $piece i32) (param $pieces i32)
    (local $h i32) (local $from i32) (local $end i32) (local $m i32) (local $blocks i32) (local $table i32) (local $bias i32) (local $p i32) (local $next i32)
    (local.set $m (i32.load offset=32 (local.get $a)))
    (local.set $blocks (i32.shr_u (i32.add (local.get $m) (i32.const 3)) (i32.const 2)))
    (local.set $bias (i32.load offset=36 (local.get $a)))
    (local.set $table (i32.add (i32.load offset=60 (local.get $a)) (i32.mul (global.get $thread) (i32.load offset=64 (local.get $a)))))
    (local.set $from (call $share (i32.load offset=56 (local.get $a)) (local.get $piece) (local.get $pieces)))
    (local.set $end (call $share (i32.load offset=56 (local.get $a)) (i32.add (local.get $piece) (i32.const 1)) (local.get $pieces)))
    (if (i32.eq (local.get $from) (local.get $end)) (then (return)))
    ;; Four panels at a time, all heads: what heads read of a panel may follow each other.
    (loop $panels
      (local.set $next (i32.add (local.get $p) (i32.const 4)))
      (if (i32.gt_u (local.get $next) (i32.load offset=28 (local.get $a))) (then (local.set $next (i32.load offset=28 (local.get $a)))))
      (local.set $h (local.get $from))
      (loop $head
        (call $row_table (local.get $table) (i32.add (i32.load (local.get $a)) (i32.mul (local.get $h) (i32.load offset=8 (local.get $a))))
          (i32.load offset=4 (local.get $a)) (local.get $m))
        (call $product (local.get $table) (i32.const 1) (i32.load offset=24 (local.get $a))
          (i32.add (i32.load offset=12 (local.get $a)) (i32.mul (local.get $h) (i32.load offset=20 (local.get $a)))) (i32.load offset=16 (local.get $a))
          (local.get $p) (local.get $next) (i32.const 0) (local.get $blocks) (local.get $blocks) (local.get $m)
          (if (result i32) (local.get $bias)
            (then (i32.add (local.get $bias) (i32.mul (local.get $h) (i32.load offset=40 (local.get $a)))))
            (else (i32.const 0)))
          (i32.const 0)
          (i32.add (i32.load offset=44 (local.get $a)) (i32.mul (local.get $h) (i32.load offset=52 (local.get $a)))) (i32.load offset=48 (local.get $a))
          (i32.const 0) (i32.const 0))
        (br_if $head (i32.lt_u (local.tee $h (i32.add (local.get $h) (i32.const 1))) (local.get $end))))
      (local.set $p (local.get $next))
      (br_if $panels (i32.lt_u (local.get $p) (i32.load offset=28 (local.get $a))))))

  ;; ---- convolutions of 3×3 ----
  ;;
  ;; Winograd's minimal filtering F(2×2, 3×3) (Lavin & Gray 2015): of 4×4 inputs d under weights g, the 2×2 outputs are
  ;; Aᵀ[(G·g·Gᵀ) ⊙ (Bᵀ·d·B)]A, 16 multiplications for 36. Over all channels these are 16 matrix products.
  ;;   Bᵀ = 1  0 −1  0    G = 1   0  0    Aᵀ = 1  1  1  0
  ;;        0  1  1  0        ½   ½  ½         0  1 −1 −1
  ;;        0 −1  1  0        ½  −½  ½
  ;;        0  1  0 −1        0   0  1

  ;; winogradWeights makes G·g·Gᵀ of fp16 weights [n][3][3][k], as 16 matrices [n, k] in panels.
  (func (export "winogradWeights") (param $src i32) (param $n i32) (param $k i32) (param $dst i32)
    (local $row i32) (local $col i32) (local $at i32) (local $step i32) (local $tap i32) (local $half v128)
    @for q 0 2
    (local $g0{q} v128) (local $g1{q} v128) (local $g2{q} v128)
    @for r 0 3
    (local $t{r}{q} v128)
    @end
    @end
    (local.set $half (f32x4.splat (f32.const 0.5)))
    (local.set $tap (i32.shl (local.get $k) (i32.const 1)))
    (local.set $step (i32.shl (i32.mul (i32.and (i32.add (local.get $n) (i32.const 7)) (i32.const -8)) (local.get $k)) (i32.const 2)))
    (loop $rows
      (local.set $col (i32.const 0))
      (loop $cols
        (local.set $at (i32.add (local.get $src) (i32.shl (local.get $col) (i32.const 1))))
        @for r 0 2
        @for q 0 2
        (local.set $g{r}{q} (call $half4 (local.get $at)))
        (local.set $at (i32.add (local.get $at) (local.get $tap)))
        @end
        @end
        @for q 0 2
        (local.set $t0{q} (local.get $g0{q}))
        (local.set $t1{q} (f32x4.mul (local.get $half) (f32x4.add (f32x4.add (local.get $g0{q}) (local.get $g2{q})) (local.get $g1{q}))))
        (local.set $t2{q} (f32x4.mul (local.get $half) (f32x4.sub (f32x4.add (local.get $g0{q}) (local.get $g2{q})) (local.get $g1{q}))))
        (local.set $t3{q} (local.get $g2{q}))
        @end
        ;; dst + ((row/8·k + col)·8 + row%8)·4
        (local.set $at (i32.add (local.get $dst) (i32.shl
          (i32.add
            (i32.shl (i32.add (i32.mul (i32.shr_u (local.get $row) (i32.const 3)) (local.get $k)) (local.get $col)) (i32.const 3))
            (i32.and (local.get $row) (i32.const 7)))
          (i32.const 2))))
        @for r 0 3
        (call $column (local.get $at) (local.get $t{r}0))
        (local.set $at (i32.add (local.get $at) (local.get $step)))
        (call $column (local.get $at) (f32x4.mul (local.get $half) (f32x4.add (f32x4.add (local.get $t{r}0) (local.get $t{r}2)) (local.get $t{r}1))))
        (local.set $at (i32.add (local.get $at) (local.get $step)))
        (call $column (local.get $at) (f32x4.mul (local.get $half) (f32x4.sub (f32x4.add (local.get $t{r}0) (local.get $t{r}2)) (local.get $t{r}1))))
        (local.set $at (i32.add (local.get $at) (local.get $step)))
        (call $column (local.get $at) (local.get $t{r}2))
        (local.set $at (i32.add (local.get $at) (local.get $step)))
        @end
        (br_if $cols (i32.lt_u (local.tee $col (i32.add (local.get $col) (i32.const 4))) (local.get $k))))
      (local.set $src (i32.add (local.get $src) (i32.mul (local.get $tap) (i32.const 9))))
      (br_if $rows (i32.lt_u (local.tee $row (i32.add (local.get $row) (i32.const 1))) (local.get $n)))))

  ;; column puts four values of a row into a panel.
  (func $column (param $at i32) (param $v v128)
    (v128.store32_lane offset=0 0 (local.get $at) (local.get $v))
    (v128.store32_lane offset=32 1 (local.get $at) (local.get $v))
    (v128.store32_lane offset=64 2 (local.get $at) (local.get $v))
    (v128.store32_lane offset=96 3 (local.get $at) (local.get $v)))

  ;; winograd: x, width, side, out side, pad, weights, panel count, batch, bias, out, pitch (bytes), act, a pixel of
  ;; zeros, tiles of a strip (a multiple of 4), scratch, scratch bytes a thread, bytes from each of the 16 inputs to the
  ;; next, and of the products. A unit is a strip of tiles, of whatever picture; what it makes stays in the second cache.
  ;; Scratch holds, in this order: inputs [16][strip][width], products [16][strip][panels·8], a table of strip addresses,
  ;; the addresses of a tile's 16 pixels.
  (func $winograd (param $a i32) (param $piece i32) (param $pieces i32)
    (local $width i32) (local $strip i32) (local $panels i32) (local $across i32) (local $tiles i32) (local $unit i32) (local $units i32)
    (local $inputs i32) (local $products i32) (local $table i32) (local $pixels i32) (local $in_step i32) (local $out_step i32) (local $pitch i32) (local $weights i32)
    (local $first i32) (local $n i32) (local $i i32) (local $in i32) (local $made i32) (local $blocks i32)
    (local.set $width (i32.load offset=4 (local.get $a)))
    (local.set $panels (i32.load offset=24 (local.get $a)))
    (local.set $strip (i32.load offset=52 (local.get $a)))
    (local.set $across (i32.shr_u (i32.add (i32.load offset=12 (local.get $a)) (i32.const 1)) (i32.const 1)))
    (local.set $tiles (i32.mul (i32.load offset=28 (local.get $a)) (i32.mul (local.get $across) (local.get $across))))
    (local.set $pitch (i32.shl (local.get $panels) (i32.const 5)))
    (local.set $in_step (i32.load offset=64 (local.get $a)))
    (local.set $out_step (i32.load offset=68 (local.get $a)))
    (local.set $inputs (i32.add (i32.load offset=56 (local.get $a)) (i32.mul (global.get $thread) (i32.load offset=60 (local.get $a)))))
    (local.set $products (i32.add (local.get $inputs) (i32.shl (local.get $in_step) (i32.const 4))))
    (local.set $table (i32.add (local.get $products) (i32.shl (local.get $out_step) (i32.const 4))))
    (local.set $pixels (i32.add (local.get $table) (i32.shl (local.get $strip) (i32.const 2))))
    (local.set $units (i32.div_u (i32.add (local.get $tiles) (i32.sub (local.get $strip) (i32.const 1))) (local.get $strip)))
    (local.set $unit (call $share (local.get $units) (local.get $piece) (local.get $pieces)))
    (local.set $units (call $share (local.get $units) (i32.add (local.get $piece) (i32.const 1)) (local.get $pieces)))
    (block $done
      (loop $strips
        (br_if $done (i32.ge_u (local.get $unit) (local.get $units)))
        (local.set $first (i32.mul (local.get $unit) (local.get $strip)))
        (local.set $n (i32.sub (local.get $tiles) (local.get $first)))
        (if (i32.gt_u (local.get $n) (local.get $strip)) (then (local.set $n (local.get $strip))))
        (local.set $blocks (i32.shr_u (i32.add (local.get $n) (i32.const 3)) (i32.const 2)))
        (local.set $i (i32.const 0))
        (loop $in_tiles
          (call $tile_pixels (local.get $a) (i32.add (local.get $first) (local.get $i)) (local.get $across) (local.get $pixels))
          (call $tile_inputs (local.get $pixels) (local.get $width)
            (i32.add (local.get $inputs) (i32.shl (i32.mul (local.get $i) (local.get $width)) (i32.const 2))) (local.get $in_step))
          (br_if $in_tiles (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
        (local.set $i (i32.const 0))
        (local.set $in (local.get $inputs))
        (local.set $made (local.get $products))
        (local.set $weights (i32.load offset=20 (local.get $a)))
        (loop $products16
          (call $row_table (local.get $table) (local.get $in) (i32.shl (local.get $width) (i32.const 2)) (local.get $n))
          (call $product (local.get $table) (i32.const 1) (local.get $width) (local.get $weights) (i32.shl (local.get $width) (i32.const 5)) (i32.const 0) (local.get $panels)
            (i32.const 0) (local.get $blocks) (local.get $blocks) (local.get $n) (i32.const 0) (i32.const 0) (local.get $made) (local.get $pitch) (i32.const 0) (i32.const 0))
          (local.set $in (i32.add (local.get $in) (local.get $in_step)))
          (local.set $made (i32.add (local.get $made) (local.get $out_step)))
          (local.set $weights (i32.add (local.get $weights) (i32.mul (local.get $pitch) (local.get $width))))
          (br_if $products16 (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 16))))
        (local.set $i (i32.const 0))
        (loop $out_tiles
          (call $tile_outputs (local.get $a) (i32.add (local.get $first) (local.get $i)) (local.get $across)
            (i32.add (local.get $products) (i32.mul (local.get $i) (local.get $pitch))) (local.get $out_step))
          (br_if $out_tiles (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
        (local.set $unit (i32.add (local.get $unit) (i32.const 1)))
        (br $strips))))

  ;; tile_pixels writes the addresses of the 4×4 pixels under a tile; outside of the picture it is that of zeros.
  (func $tile_pixels (param $a i32) (param $tile i32) (param $across i32) (param $pixels i32)
    (local $side i32) (local $top i32) (local $left i32) (local $x i32) (local $map i32) (local $i i32) (local $y i32)
    (local.set $side (i32.load offset=8 (local.get $a)))
    (local.set $left (i32.sub (i32.shl (i32.rem_u (local.get $tile) (local.get $across)) (i32.const 1)) (i32.load offset=16 (local.get $a))))
    (local.set $tile (i32.div_u (local.get $tile) (local.get $across)))
    (local.set $top (i32.sub (i32.shl (i32.rem_u (local.get $tile) (local.get $across)) (i32.const 1)) (i32.load offset=16 (local.get $a))))
    (local.set $map (i32.mul (i32.div_u (local.get $tile) (local.get $across)) (local.get $side)))
    (loop $next
      (local.set $y (i32.add (local.get $top) (i32.shr_u (local.get $i) (i32.const 2))))
      (local.set $x (i32.add (local.get $left) (i32.and (local.get $i) (i32.const 3))))
      (i32.store (local.get $pixels)
        (if (result i32) (i32.and (i32.lt_u (local.get $y) (local.get $side)) (i32.lt_u (local.get $x) (local.get $side)))
          (then (i32.add (i32.load (local.get $a)) (i32.shl (i32.mul
            (i32.add (i32.mul (i32.add (local.get $map) (local.get $y)) (local.get $side)) (local.get $x))
            (i32.load offset=4 (local.get $a))) (i32.const 2))))
          (else (i32.load offset=48 (local.get $a)))))
      (local.set $pixels (i32.add (local.get $pixels) (i32.const 4)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 16)))))

  ;; tile_inputs makes Bᵀ·d·B of a tile's pixels, step bytes apart.
  (func $tile_inputs (param $pixels i32) (param $width i32) (param $to i32) (param $step i32)
    (local $c i32) (local $at i32) (local $end i32)
    @for p 0 3
    (local $d{p} v128)
    @for q 0 3
    (local $w{p}{q} v128)
    @end
    @end
    (local.set $end (i32.shl (local.get $width) (i32.const 2)))
    (loop $cols
      @for q 0 3
      @for p 0 3
      (local.set $d{p} (v128.load (i32.add (local.get $c) (i32.load offset={p*16} (i32.add (local.get $pixels) (i32.const {q*4}))))))
      @end
      (local.set $w0{q} (f32x4.sub (local.get $d0) (local.get $d2)))
      (local.set $w1{q} (f32x4.add (local.get $d1) (local.get $d2)))
      (local.set $w2{q} (f32x4.sub (local.get $d2) (local.get $d1)))
      (local.set $w3{q} (f32x4.sub (local.get $d1) (local.get $d3)))
      @end
      (local.set $at (i32.add (local.get $to) (local.get $c)))
      @for p 0 3
      (v128.store (local.get $at) (f32x4.sub (local.get $w{p}0) (local.get $w{p}2)))
      (local.set $at (i32.add (local.get $at) (local.get $step)))
      (v128.store (local.get $at) (f32x4.add (local.get $w{p}1) (local.get $w{p}2)))
      (local.set $at (i32.add (local.get $at) (local.get $step)))
      (v128.store (local.get $at) (f32x4.sub (local.get $w{p}2) (local.get $w{p}1)))
      (local.set $at (i32.add (local.get $at) (local.get $step)))
      (v128.store (local.get $at) (f32x4.sub (local.get $w{p}1) (local.get $w{p}3)))
      (local.set $at (i32.add (local.get $at) (local.get $step)))
      @end
      (br_if $cols (i32.lt_u (local.tee $c (i32.add (local.get $c) (i32.const 16))) (local.get $end)))))

  ;; tile_outputs makes a tile's 2×2 outputs, Aᵀ·m·A, of products that are step bytes apart. Those beyond an odd side are
  ;; dropped.
  (func $tile_outputs (param $a i32) (param $tile i32) (param $across i32) (param $m i32) (param $step i32)
    (local $side i32) (local $pitch i32) (local $bias i32) (local $act i32) (local $right i32) (local $below i32)
    (local $out i32) (local $c i32) (local $at i32) (local $v v128) (local $add v128) (local $floor v128)
    @for q 0 3
    (local $m0{q} v128) (local $m1{q} v128) (local $m2{q} v128) (local $m3{q} v128) (local $r0{q} v128) (local $r1{q} v128)
    @end
    (local.set $side (i32.load offset=12 (local.get $a)))
    (local.set $pitch (i32.load offset=40 (local.get $a)))
    (local.set $bias (i32.load offset=32 (local.get $a)))
    (local.set $act (i32.load offset=44 (local.get $a)))
    (local.set $floor (call $floor (local.get $act)))
    ;; right and below: bytes to the next output, 0 where there is none
    (local.set $right (i32.shl (i32.rem_u (local.get $tile) (local.get $across)) (i32.const 1)))
    (local.set $tile (i32.div_u (local.get $tile) (local.get $across)))
    (local.set $below (i32.shl (i32.rem_u (local.get $tile) (local.get $across)) (i32.const 1)))
    (local.set $out (i32.add (i32.load offset=36 (local.get $a)) (i32.mul (local.get $pitch) (i32.add (local.get $right)
      (i32.mul (local.get $side) (i32.add (local.get $below) (i32.mul (local.get $side) (i32.div_u (local.get $tile) (local.get $across)))))))))
    (local.set $right (i32.mul (local.get $pitch) (i32.lt_u (i32.add (local.get $right) (i32.const 1)) (local.get $side))))
    (local.set $below (i32.mul (i32.mul (local.get $pitch) (local.get $side)) (i32.lt_u (i32.add (local.get $below) (i32.const 1)) (local.get $side))))
    (loop $cols
      (local.set $at (i32.add (local.get $m) (local.get $c)))
      @for p 0 3
      @for q 0 3
      (local.set $m{p}{q} (v128.load (local.get $at)))
      (local.set $at (i32.add (local.get $at) (local.get $step)))
      @end
      @end
      @for q 0 3
      (local.set $r0{q} (f32x4.add (f32x4.add (local.get $m0{q}) (local.get $m1{q})) (local.get $m2{q})))
      (local.set $r1{q} (f32x4.sub (f32x4.sub (local.get $m1{q}) (local.get $m2{q})) (local.get $m3{q})))
      @end
      (local.set $add (v128.load (i32.add (local.get $bias) (local.get $c))))
      (local.set $at (i32.add (local.get $out) (local.get $c)))
      (block $stored
        @for r 0 1
        (local.set $v (f32x4.add (local.get $add) (f32x4.add (f32x4.add (local.get $r{r}0) (local.get $r{r}1)) (local.get $r{r}2))))
        (v128.store (local.get $at) (f32x4.pmax (local.get $v) (local.get $floor)))
        (if (local.get $right)
          (then
            (local.set $v (f32x4.add (local.get $add) (f32x4.sub (f32x4.sub (local.get $r{r}1) (local.get $r{r}2)) (local.get $r{r}3))))
            (v128.store (i32.add (local.get $at) (local.get $right)) (f32x4.pmax (local.get $v) (local.get $floor)))))
        (br_if $stored (i32.eqz (local.get $below)))
        (local.set $at (i32.add (local.get $at) (local.get $below)))
        @end
      )
      (br_if $cols (i32.lt_u (local.tee $c (i32.add (local.get $c) (i32.const 16))) (local.get $pitch))))
    (if (i32.gt_u (local.get $act) (i32.const 1))
      (then
        (loop $rows
          (call $curve (local.get $out) (i32.shr_u (local.get $pitch) (i32.const 4))
            (i32.add (i32.const 1) (i32.ne (local.get $right) (i32.const 0))) (local.get $right) (local.get $act))
          (if (local.get $below)
            (then
              (local.set $out (i32.add (local.get $out) (local.get $below)))
              (local.set $below (i32.const 0))
              (br $rows)))))))

  ;; ---- layer norm ----

  ;; layernorm: x, gain, bias, out, rows, cols, pitch (bytes), eps
  (func $layernorm (param $a i32) (param $piece i32) (param $pieces i32)
    (local $rows i32) (local $i i32) (local $at i32) (local $end i32) (local $out i32) (local $g i32) (local $b i32) (local $pitch i32)
    (local $sum v128) (local $d v128) (local $values v128) (local $mean f32) (local $scale f32) (local $cols f32)
    (local.set $pitch (i32.load offset=24 (local.get $a)))
    ;; which of a row's last four are values, and not padding
    (local.set $values (i32x4.gt_s
      (i32x4.splat (i32.sub (i32.load offset=20 (local.get $a)) (i32.sub (i32.shr_u (local.get $pitch) (i32.const 2)) (i32.const 4))))
      (v128.const i32x4 0 1 2 3)))
    (local.set $cols (f32.convert_i32_u (i32.load offset=20 (local.get $a))))
    (local.set $rows (i32.load offset=16 (local.get $a)))
    (local.set $i (call $share (local.get $rows) (local.get $piece) (local.get $pieces)))
    (local.set $rows (call $share (local.get $rows) (i32.add (local.get $piece) (i32.const 1)) (local.get $pieces)))
    (block $done
      (loop $row
        (br_if $done (i32.ge_u (local.get $i) (local.get $rows)))
        (local.set $at (i32.add (i32.load (local.get $a)) (i32.mul (local.get $i) (local.get $pitch))))
        (local.set $end (i32.add (local.get $at) (local.get $pitch)))
        (local.set $sum (v128.const f32x4 0 0 0 0))
        (loop $add
          (local.set $sum (f32x4.add (local.get $sum) (v128.load (local.get $at))))
          (br_if $add (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $end))))
        (local.set $mean (f32.div (call $sum (local.get $sum)) (local.get $cols)))
        (local.set $at (i32.sub (local.get $end) (local.get $pitch)))
        (local.set $sum (v128.const f32x4 0 0 0 0))
        (local.set $end (i32.sub (local.get $end) (i32.const 16)))
        (if (i32.lt_u (local.get $at) (local.get $end))
          (then
            (loop $square
              (local.set $d (f32x4.sub (v128.load (local.get $at)) (f32x4.splat (local.get $mean))))
              (local.set $sum (f32x4.add (local.get $sum) (f32x4.mul (local.get $d) (local.get $d))))
              (br_if $square (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $end))))))
        (local.set $d (v128.and (local.get $values) (f32x4.sub (v128.load (local.get $at)) (f32x4.splat (local.get $mean)))))
        (local.set $sum (f32x4.add (local.get $sum) (f32x4.mul (local.get $d) (local.get $d))))
        (local.set $end (i32.add (local.get $end) (i32.const 16)))
        (local.set $scale (f32.div (f32.const 1) (f32.sqrt (f32.add (f32.load offset=28 (local.get $a))
          (f32.div (call $sum (local.get $sum)) (local.get $cols))))))
        (local.set $at (i32.sub (local.get $end) (local.get $pitch)))
        (local.set $out (i32.add (i32.load offset=12 (local.get $a)) (i32.mul (local.get $i) (local.get $pitch))))
        (local.set $g (i32.load offset=4 (local.get $a)))
        (local.set $b (i32.load offset=8 (local.get $a)))
        (loop $write
          (v128.store (local.get $out) (f32x4.add (v128.load (local.get $b)) (f32x4.mul (v128.load (local.get $g))
            (f32x4.mul (f32x4.splat (local.get $scale)) (f32x4.sub (v128.load (local.get $at)) (f32x4.splat (local.get $mean)))))))
          (local.set $out (i32.add (local.get $out) (i32.const 16)))
          (local.set $g (i32.add (local.get $g) (i32.const 16)))
          (local.set $b (i32.add (local.get $b) (i32.const 16)))
          (br_if $write (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16))) (local.get $end))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $row))))

  ;; ---- attention ----

  ;; attention: q, q pitch, k, k pitch, v, v pitch, out, out pitch, heads, d, scale, scratch, scratch bytes a thread,
  ;; batch, queries, keys. A unit is a head of a sequence. Pitches are bytes.
  (func $attention (param $a i32) (param $piece i32) (param $pieces i32)
    (local $u i32) (local $units i32) (local $b i32) (local $keys i32) (local $key i32) (local $number i32) (local $i i32)
    (local.set $keys (i32.load offset=60 (local.get $a)))
    (local.set $units (i32.mul (i32.load offset=52 (local.get $a)) (i32.load offset=32 (local.get $a))))
    (local.set $u (call $share (local.get $units) (local.get $piece) (local.get $pieces)))
    (local.set $units (call $share (local.get $units) (i32.add (local.get $piece) (i32.const 1)) (local.get $pieces)))
    (block $done
      (loop $unit
        (br_if $done (i32.ge_u (local.get $u) (local.get $units)))
        (local.set $b (i32.div_u (local.get $u) (i32.load offset=32 (local.get $a))))
        (local.set $number (call $scratch (local.get $a)))
        (local.set $key (i32.mul (local.get $b) (local.get $keys)))
        (local.set $i (local.get $keys))
        (loop $numbers
          (i32.store (local.get $number) (local.get $key))
          (local.set $number (i32.add (local.get $number) (i32.const 4)))
          (local.set $key (i32.add (local.get $key) (i32.const 1)))
          (br_if $numbers (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
        (call $attend (local.get $a) (i32.rem_u (local.get $u) (i32.load offset=32 (local.get $a)))
          (i32.mul (local.get $b) (i32.load offset=56 (local.get $a))) (i32.load offset=56 (local.get $a))
          (local.get $keys) (local.get $keys) (i32.const 0))
        (local.set $u (i32.add (local.get $u) (i32.const 1)))
        (br $unit))))

  ;; causal: as attention as far as the scratch, then rows, tokens (see embed). A unit is a row and a head, and does
  ;; nothing unless the row begins a run of rows that follow each other in a text: then it does all of the run.
  (func $causal (param $a i32) (param $piece i32) (param $pieces i32)
    (local $u i32) (local $units i32) (local $rows i32) (local $row i32) (local $end i32) (local $before i32) (local $j i32) (local $number i32)
    (local.set $rows (i32.load offset=52 (local.get $a)))
    (local.set $units (i32.mul (local.get $rows) (i32.load offset=32 (local.get $a))))
    (local.set $u (call $share (local.get $units) (local.get $piece) (local.get $pieces)))
    (local.set $units (call $share (local.get $units) (i32.add (local.get $piece) (i32.const 1)) (local.get $pieces)))
    (block $done
      (loop $unit
        (br_if $done (i32.ge_u (local.get $u) (local.get $units)))
        (local.set $row (i32.rem_u (local.get $u) (local.get $rows)))
        (if (i32.eqz (call $follows (local.get $a) (local.get $row)))
          (then
            (local.set $end (local.get $row))
            (block $ended
              (loop $run
                (br_if $ended (i32.eq (local.tee $end (i32.add (local.get $end) (i32.const 1))) (local.get $rows)))
                (br_if $run (call $follows (local.get $a) (local.get $end)))))
            ;; The keys: the rows before the run, as many as its first row's position says, from the last one back; and
            ;; the run.
            (local.set $before (i32.load offset=4 (call $token (local.get $a) (local.get $row))))
            (local.set $number (i32.add (call $scratch (local.get $a)) (i32.shl (local.get $before) (i32.const 2))))
            (local.set $j (local.get $row))
            (loop $own
              (i32.store (local.get $number) (local.get $j))
              (local.set $number (i32.add (local.get $number) (i32.const 4)))
              (br_if $own (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (local.get $end))))
            (local.set $number (i32.add (call $scratch (local.get $a)) (i32.shl (local.get $before) (i32.const 2))))
            (local.set $j (local.get $row))
            (block $written
              (loop $back
                (br_if $written (i32.eq (local.get $number) (call $scratch (local.get $a))))
                (local.set $j (i32.load offset=8 (call $token (local.get $a) (local.get $j))))
                (i32.store (local.tee $number (i32.sub (local.get $number) (i32.const 4))) (local.get $j))
                (br $back)))
            (call $attend (local.get $a) (i32.div_u (local.get $u) (local.get $rows))
              (local.get $row) (i32.sub (local.get $end) (local.get $row))
              (i32.add (local.get $before) (i32.sub (local.get $end) (local.get $row)))
              (i32.add (local.get $before) (i32.const 1)) (i32.const 1))))
        (local.set $u (i32.add (local.get $u) (i32.const 1)))
        (br $unit))))

  ;; token is where a row's token lies.
  (func $token (param $a i32) (param $row i32) (result i32)
    (i32.add (i32.load offset=56 (local.get $a)) (i32.mul (local.get $row) (i32.const 12))))

  ;; follows is whether a row comes after the one above it in the same text.
  (func $follows (param $a i32) (param $row i32) (result i32)
    (i32.eq (i32.add (i32.load offset=8 (call $token (local.get $a) (local.get $row))) (i32.const 1)) (local.get $row)))

  ;; scratch is this thread's, for an attention.
  (func $scratch (param $a i32) (result i32)
    (i32.add (i32.load offset=44 (local.get $a)) (i32.mul (global.get $thread) (i32.load offset=48 (local.get $a)))))

  ;; attend has queries rows from first on ask keys, in one head: the first asks seen of them, and each as many more as
  ;; step says than the one before. Keys and values are packed into panels, and both products are those of the matrix
  ;; kernel. Scratch holds, in this order: the keys' rows [keys4], which the caller has written, keys' panels
  ;; [keys8/8][d][8], values' panels [d8/8][keys4][8], scores [queries4][keys8], a table of queries4 addresses.
  (func $attend (param $a i32) (param $head i32) (param $first i32) (param $queries i32) (param $keys i32) (param $seen i32) (param $step i32)
    (local $numbers i32) (local $keys4 i32) (local $keys8 i32) (local $d i32) (local $offset i32)
    (local $kp i32) (local $vp i32) (local $scores i32) (local $table i32) (local $i i32) (local $blocks i32)
    (local.set $keys4 (i32.and (i32.add (local.get $keys) (i32.const 3)) (i32.const -4)))
    (local.set $keys8 (i32.and (i32.add (local.get $keys) (i32.const 7)) (i32.const -8)))
    (local.set $d (i32.load offset=36 (local.get $a)))
    (local.set $offset (i32.shl (i32.mul (local.get $head) (local.get $d)) (i32.const 2)))
    (local.set $blocks (i32.shr_u (i32.add (local.get $queries) (i32.const 3)) (i32.const 2)))
    (local.set $numbers (call $scratch (local.get $a)))
    (local.set $kp (i32.add (local.get $numbers) (i32.shl (local.get $keys4) (i32.const 2))))
    (local.set $vp (i32.add (local.get $kp) (i32.shl (i32.mul (local.get $keys8) (local.get $d)) (i32.const 2))))
    (local.set $scores (i32.add (local.get $vp) (i32.shl (i32.mul (i32.and (i32.add (local.get $d) (i32.const 7)) (i32.const -8)) (local.get $keys4)) (i32.const 2))))
    (local.set $table (i32.add (local.get $scores) (i32.shl (i32.mul (i32.shl (local.get $blocks) (i32.const 2)) (local.get $keys8)) (i32.const 2))))
    (call $pack_keys (local.get $numbers) (i32.add (i32.load offset=8 (local.get $a)) (local.get $offset)) (i32.load offset=12 (local.get $a))
      (local.get $keys) (local.get $keys8) (local.get $d) (local.get $kp))
    (call $pack_values (local.get $numbers) (i32.add (i32.load offset=16 (local.get $a)) (local.get $offset)) (i32.load offset=20 (local.get $a))
      (local.get $keys) (local.get $keys4) (local.get $d) (local.get $vp))
    (call $row_table (local.get $table)
      (i32.add (i32.add (i32.load (local.get $a)) (local.get $offset)) (i32.mul (local.get $first) (i32.load offset=4 (local.get $a))))
      (i32.load offset=4 (local.get $a)) (local.get $queries))
    (call $product (local.get $table) (i32.const 1) (local.get $d) (local.get $kp) (i32.shl (local.get $d) (i32.const 5))
      (i32.const 0) (i32.shr_u (local.get $keys8) (i32.const 3)) (i32.const 0) (local.get $blocks) (local.get $blocks) (local.get $queries)
      (i32.const 0) (i32.const 0) (local.get $scores) (i32.shl (local.get $keys8) (i32.const 2)) (i32.const 0) (i32.const 0))
    (loop $softmax
      (call $softmax (i32.add (local.get $scores) (i32.shl (i32.mul (local.get $i) (local.get $keys8)) (i32.const 2)))
        (local.get $seen) (local.get $keys8) (f32.load offset=40 (local.get $a)))
      (local.set $seen (i32.add (local.get $seen) (local.get $step)))
      (br_if $softmax (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $queries))))
    (call $row_table (local.get $table) (local.get $scores) (i32.shl (local.get $keys8) (i32.const 2)) (local.get $queries))
    ;; The head's columns of out end before the padding of its rows, so the pitch of a head's slice is told by d.
    (call $head (local.get $table) (local.get $keys4) (local.get $vp) (local.get $d) (local.get $blocks) (local.get $queries)
      (i32.add (i32.add (i32.load offset=24 (local.get $a)) (local.get $offset)) (i32.mul (local.get $first) (i32.load offset=28 (local.get $a))))
      (i32.load offset=28 (local.get $a)) (local.get $scores) (local.get $keys8)))

  ;; head multiplies probabilities with values, into the first d columns of rows that are wider: each block goes by way
  ;; of the score rows, which are not needed any more once the block is done.
  (func $head (param $table i32) (param $keys4 i32) (param $vp i32) (param $d i32) (param $blocks i32) (param $m i32) (param $out i32) (param $pitch i32) (param $scores i32) (param $keys8 i32)
    (local $p i32) (local $half i32)
    (local.set $half (i32.and (local.get $d) (i32.const 4)))
    (local.set $p (i32.shr_u (local.get $d) (i32.const 3)))
    (if (local.get $p)
      (then (call $product (local.get $table) (i32.const 1) (local.get $keys4) (local.get $vp) (i32.shl (local.get $keys4) (i32.const 5)) (i32.const 0) (local.get $p)
        (i32.const 0) (local.get $blocks) (local.get $blocks) (local.get $m) (i32.const 0) (i32.const 0) (local.get $out) (local.get $pitch) (i32.const 0) (i32.const 0))))
    (if (local.get $half)
      (then (call $half_panel (local.get $table)
        (i32.add (local.get $vp) (i32.shl (i32.mul (local.get $p) (local.get $keys4)) (i32.const 5)))
        (local.get $keys4) (local.get $m) (i32.add (local.get $out) (i32.shl (local.get $p) (i32.const 5))) (local.get $pitch)))))

  ;; half_panel multiplies rows with the first four columns of one panel.
  (func $half_panel (param $table i32) (param $panel i32) (param $width i32) (param $m i32) (param $out i32) (param $pitch i32)
    (local $i i32) (local $k i32) (local $x i32) (local $sum v128)
    (loop $row
      (local.set $sum (v128.const f32x4 0 0 0 0))
      (local.set $k (i32.const 0))
      (local.set $x (i32.load (i32.add (local.get $table) (i32.shl (local.get $i) (i32.const 2)))))
      (loop $add
        (local.set $sum (f32x4.add (local.get $sum) (f32x4.mul
          (v128.load32_splat (i32.add (local.get $x) (i32.shl (local.get $k) (i32.const 2))))
          (v128.load (i32.add (local.get $panel) (i32.shl (local.get $k) (i32.const 5)))))))
        (br_if $add (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 1))) (local.get $width))))
      (v128.store (i32.add (local.get $out) (i32.mul (local.get $i) (local.get $pitch))) (local.get $sum))
      (br_if $row (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $m)))))

  ;; row_table writes the addresses of n rows; the last one again to fill the last block of 4.
  (func $row_table (param $table i32) (param $at i32) (param $pitch i32) (param $n i32)
    (local $i i32) (local $end i32)
    (local.set $end (i32.and (i32.add (local.get $n) (i32.const 3)) (i32.const -4)))
    (loop $next
      (i32.store (local.get $table) (local.get $at))
      (local.set $table (i32.add (local.get $table) (i32.const 4)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (if (i32.lt_u (local.get $i) (local.get $n)) (then (local.set $at (i32.add (local.get $at) (local.get $pitch)))))
      (br_if $next (i32.lt_u (local.get $i) (local.get $end)))))

  ;; word is number i of a list.
  (func $word (param $list i32) (param $i i32) (result i32)
    (i32.load (i32.add (local.get $list) (i32.shl (local.get $i) (i32.const 2)))))

  ;; pack_keys makes panels [keys8/8][d][8] of the rows of the given numbers, d values of each, zero beyond the last.
  (func $pack_keys (param $numbers i32) (param $k i32) (param $pitch i32) (param $keys i32) (param $keys8 i32) (param $d i32) (param $dst i32)
    (local $src i32) (local $j i32) (local $c i32) (local $at i32) (local $v v128)
    (loop $row
      (if (i32.lt_u (local.get $j) (local.get $keys))
        (then (local.set $src (i32.add (local.get $k) (i32.mul (call $word (local.get $numbers) (local.get $j)) (local.get $pitch))))))
      (local.set $at (i32.add (local.get $dst) (i32.shl
        (i32.add (i32.mul (i32.and (local.get $j) (i32.const -8)) (local.get $d)) (i32.and (local.get $j) (i32.const 7))) (i32.const 2))))
      (local.set $c (i32.const 0))
      (loop $col
        (local.set $v (v128.const f32x4 0 0 0 0))
        (if (i32.lt_u (local.get $j) (local.get $keys))
          (then (local.set $v (v128.load (i32.add (local.get $src) (i32.shl (local.get $c) (i32.const 2)))))))
        (v128.store32_lane offset=0 0 (local.get $at) (local.get $v))
        (v128.store32_lane offset=32 1 (local.get $at) (local.get $v))
        (v128.store32_lane offset=64 2 (local.get $at) (local.get $v))
        (v128.store32_lane offset=96 3 (local.get $at) (local.get $v))
        (local.set $at (i32.add (local.get $at) (i32.const 128)))
        (br_if $col (i32.lt_u (local.tee $c (i32.add (local.get $c) (i32.const 4))) (local.get $d))))
      (br_if $row (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (local.get $keys8)))))

  ;; pack_values makes panels [d8/8][keys4][8] likewise. What is beyond d in the last panel is never read.
  (func $pack_values (param $numbers i32) (param $values i32) (param $pitch i32) (param $keys i32) (param $keys4 i32) (param $d i32) (param $dst i32)
    (local $src i32) (local $j i32) (local $c i32) (local $v v128)
    (loop $row
      (if (i32.lt_u (local.get $j) (local.get $keys))
        (then (local.set $src (i32.add (local.get $values) (i32.mul (call $word (local.get $numbers) (local.get $j)) (local.get $pitch))))))
      (local.set $c (i32.const 0))
      (loop $col
        (local.set $v (v128.const f32x4 0 0 0 0))
        (if (i32.lt_u (local.get $j) (local.get $keys))
          (then (local.set $v (v128.load (i32.add (local.get $src) (i32.shl (local.get $c) (i32.const 2)))))))
        ;; ((c/8·keys4 + j)·8 + c%8)·4
        (v128.store
          (i32.add (local.get $dst) (i32.shl
            (i32.add
              (i32.shl (i32.add (i32.mul (i32.shr_u (local.get $c) (i32.const 3)) (local.get $keys4)) (local.get $j)) (i32.const 3))
              (i32.and (local.get $c) (i32.const 7)))
            (i32.const 2)))
          (local.get $v))
        (br_if $col (i32.lt_u (local.tee $c (i32.add (local.get $c) (i32.const 4))) (local.get $d))))
      (br_if $row (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (local.get $keys4)))))

  ;; softmax replaces the first seen of n values (a multiple of 8) by exp(scale·x)/Σ, the others by zero.
  (func $softmax (param $at i32) (param $seen i32) (param $n i32) (param $scale f32)
    (local $i i32) (local $x i32) (local $top v128) (local $m f32) (local $sum v128) (local $scales v128) (local $least v128)
    @EXP2_LOCALS
    @EXP2_CONSTANTS
    (local.set $i (local.get $seen))
    (block $filled
      (loop $fill
        (br_if $filled (i32.ge_u (local.get $i) (local.get $n)))
        (f32.store (i32.add (local.get $at) (i32.shl (local.get $i) (i32.const 2))) (f32.const -1e30))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $fill)))
    (local.set $top (v128.load (local.get $at)))
    (local.set $i (i32.const 4))
    (loop $max
      (local.set $top (f32x4.pmax (local.get $top) (v128.load (i32.add (local.get $at) (i32.shl (local.get $i) (i32.const 2))))))
      (br_if $max (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (local.get $n))))
    (local.set $m (f32.max
      (f32.max (f32x4.extract_lane 0 (local.get $top)) (f32x4.extract_lane 1 (local.get $top)))
      (f32.max (f32x4.extract_lane 2 (local.get $top)) (f32x4.extract_lane 3 (local.get $top)))))
    (local.set $top (f32x4.splat (local.get $m)))
    (local.set $scales (f32x4.splat (f32.mul (local.get $scale) (f32.const 1.4426950408889634)))) ;; log₂e
    (local.set $least (f32x4.splat (f32.const -126)))
    (local.set $i (i32.const 0))
    (loop $exps
      (local.set $x (i32.add (local.get $at) (i32.shl (local.get $i) (i32.const 2))))
      (local.set $t (f32x4.pmax (f32x4.mul (local.get $scales) (f32x4.sub (v128.load (local.get $x)) (local.get $top))) (local.get $least)))
      @EXP2
      (v128.store (local.get $x) (local.get $e))
      (local.set $sum (f32x4.add (local.get $sum) (local.get $e)))
      (br_if $exps (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (local.get $n))))
    (local.set $m (f32.div (f32.const 1) (call $sum (local.get $sum))))
    (local.set $i (i32.const 0))
    (loop $scales
      (local.set $x (i32.add (local.get $at) (i32.shl (local.get $i) (i32.const 2))))
      (v128.store (local.get $x) (f32x4.mul (v128.load (local.get $x)) (f32x4.splat (local.get $m))))
      (br_if $scales (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4))) (local.get $n))))
    ;; exp(−1e30) was rounded up to 1e-38; zeros keep products with padding exact.
    (local.set $i (local.get $seen))
    (block $cleared
      (loop $clear
        (br_if $cleared (i32.ge_u (local.get $i) (local.get $n)))
        (f32.store (i32.add (local.get $at) (i32.shl (local.get $i) (i32.const 2))) (f32.const 0))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $clear))))

  ;; ---- the ends of the encoders ----

  ;; patches: pixels (RGBA bytes), out, batch, size, side, grid, pitch (bytes), scales of red, green and blue, 0, their
  ;; shifts, 0
  (func $patches (param $a i32) (param $piece i32) (param $pieces i32)
    (local $i i32) (local $units i32) (local $grid i32) (local $side i32) (local $size i32) (local $out i32) (local $px i32) (local $r i32) (local $c i32) (local $end i32)
    (local $scale v128) (local $shift v128) (local $v v128)
    (local.set $scale (v128.load offset=28 (local.get $a)))
    (local.set $shift (v128.load offset=44 (local.get $a)))
    (local.set $size (i32.load offset=12 (local.get $a)))
    (local.set $side (i32.load offset=16 (local.get $a)))
    (local.set $grid (i32.load offset=20 (local.get $a)))
    (local.set $units (i32.mul (i32.load offset=8 (local.get $a)) (i32.mul (local.get $grid) (local.get $grid))))
    (local.set $i (call $share (local.get $units) (local.get $piece) (local.get $pieces)))
    (local.set $units (call $share (local.get $units) (i32.add (local.get $piece) (i32.const 1)) (local.get $pieces)))
    (block $done
      (loop $patch
        (br_if $done (i32.ge_u (local.get $i) (local.get $units)))
        (local.set $out (i32.add (i32.load offset=4 (local.get $a)) (i32.mul (local.get $i) (i32.load offset=24 (local.get $a)))))
        (local.set $end (i32.add (local.get $out) (i32.load offset=24 (local.get $a))))
        (local.set $r (i32.const 0))
        (loop $row
          ;; pixel ((b·size + gy·side + r)·size + gx·side), which is i where patches are of one
          (local.set $px (i32.add (i32.load (local.get $a)) (i32.shl
            (if (result i32) (i32.eq (local.get $side) (i32.const 1))
              (then (local.get $i))
              (else (i32.add
                (i32.mul
                  (i32.add
                    (i32.mul (i32.div_u (local.get $i) (i32.mul (local.get $grid) (local.get $grid))) (local.get $size))
                    (i32.add (i32.mul (i32.rem_u (i32.div_u (local.get $i) (local.get $grid)) (local.get $grid)) (local.get $side)) (local.get $r)))
                  (local.get $size))
                (i32.mul (i32.rem_u (local.get $i) (local.get $grid)) (local.get $side)))))
            (i32.const 2))))
          (local.set $c (i32.const 0))
          (loop $pixel
            (local.set $v (f32x4.add (local.get $shift) (f32x4.mul (local.get $scale) (f32x4.convert_i32x4_u
              (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u (v128.load32_zero (local.get $px))))))))
            ;; The zero in alpha's place is the next pixel's, or padding; behind the last row it may be neither.
            (if (i32.le_u (i32.add (local.get $out) (i32.const 16)) (local.get $end))
              (then (v128.store (local.get $out) (local.get $v)))
              (else
                (v128.store64_lane 0 (local.get $out) (local.get $v))
                (v128.store32_lane offset=8 2 (local.get $out) (local.get $v))))
            (local.set $out (i32.add (local.get $out) (i32.const 12)))
            (local.set $px (i32.add (local.get $px) (i32.const 4)))
            (br_if $pixel (i32.lt_u (local.tee $c (i32.add (local.get $c) (i32.const 1))) (local.get $side))))
          (br_if $row (i32.lt_u (local.tee $r (i32.add (local.get $r) (i32.const 1))) (local.get $side))))
        (block $padded
          (loop $pad
            (br_if $padded (i32.ge_u (local.get $out) (local.get $end)))
            (f32.store (local.get $out) (f32.const 0))
            (local.set $out (i32.add (local.get $out) (i32.const 4)))
            (br $pad)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $patch))))

  ;; embed: tokens, table (fp16), position (fp16), out, count, width in vec4s. A token is three words: its id, its position
  ;; in its text, and the row of the token before it there, its own where it is the first.
  (func $embed (param $a i32) (param $piece i32) (param $pieces i32)
    (local $i i32) (local $count i32) (local $c4 i32) (local $token i32) (local $t i32) (local $p i32) (local $out i32) (local $c i32)
    (local.set $c4 (i32.load offset=20 (local.get $a)))
    (local.set $count (i32.load offset=16 (local.get $a)))
    (local.set $i (call $share (local.get $count) (local.get $piece) (local.get $pieces)))
    (local.set $count (call $share (local.get $count) (i32.add (local.get $piece) (i32.const 1)) (local.get $pieces)))
    (block $done
      (loop $row
        (br_if $done (i32.ge_u (local.get $i) (local.get $count)))
        (local.set $token (i32.add (i32.load (local.get $a)) (i32.mul (local.get $i) (i32.const 12))))
        (local.set $t (i32.add (i32.load offset=4 (local.get $a)) (i32.shl (i32.mul (local.get $c4) (i32.load (local.get $token))) (i32.const 3))))
        (local.set $p (i32.add (i32.load offset=8 (local.get $a)) (i32.shl (i32.mul (local.get $c4) (i32.load offset=4 (local.get $token))) (i32.const 3))))
        (local.set $out (i32.add (i32.load offset=12 (local.get $a)) (i32.shl (i32.mul (local.get $i) (local.get $c4)) (i32.const 4))))
        (local.set $c (i32.const 0))
        (loop $col
          (v128.store (local.get $out) (f32x4.add (call $half4 (local.get $t)) (call $half4 (local.get $p))))
          (local.set $t (i32.add (local.get $t) (i32.const 8)))
          (local.set $p (i32.add (local.get $p) (i32.const 8)))
          (local.set $out (i32.add (local.get $out) (i32.const 16)))
          (br_if $col (i32.lt_u (local.tee $c (i32.add (local.get $c) (i32.const 1))) (local.get $c4))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $row))))

  ;; tokens: x, first (float32; 0: the mean of the sequence), positions (fp16), out, batch, n, width in vec4s.
  ;; A unit is a token of out, [batch, n + 1].
  (func $tokens (param $a i32) (param $piece i32) (param $pieces i32)
    (local $i i32) (local $units i32) (local $n i32) (local $c4 i32) (local $t i32) (local $b i32) (local $c i32) (local $p i32) (local $out i32) (local $at i32) (local $j i32) (local $v v128)
    (local.set $n (i32.load offset=20 (local.get $a)))
    (local.set $c4 (i32.load offset=24 (local.get $a)))
    (local.set $units (i32.mul (i32.load offset=16 (local.get $a)) (i32.add (local.get $n) (i32.const 1))))
    (local.set $i (call $share (local.get $units) (local.get $piece) (local.get $pieces)))
    (local.set $units (call $share (local.get $units) (i32.add (local.get $piece) (i32.const 1)) (local.get $pieces)))
    (block $done
      (loop $token
        (br_if $done (i32.ge_u (local.get $i) (local.get $units)))
        (local.set $b (i32.div_u (local.get $i) (i32.add (local.get $n) (i32.const 1))))
        (local.set $t (i32.rem_u (local.get $i) (i32.add (local.get $n) (i32.const 1))))
        (local.set $p (i32.add (i32.load offset=8 (local.get $a)) (i32.shl (i32.mul (local.get $t) (local.get $c4)) (i32.const 3))))
        (local.set $out (i32.add (i32.load offset=12 (local.get $a)) (i32.shl (i32.mul (local.get $i) (local.get $c4)) (i32.const 4))))
        (local.set $c (i32.const 0))
        (loop $col
          (if (local.get $t)
            (then (local.set $v (v128.load (i32.add (i32.load (local.get $a)) (i32.shl
              (i32.add (i32.mul (i32.sub (i32.add (i32.mul (local.get $b) (local.get $n)) (local.get $t)) (i32.const 1)) (local.get $c4)) (local.get $c)) (i32.const 4))))))
            (else
              (if (i32.load offset=4 (local.get $a))
                (then (local.set $v (v128.load (i32.add (i32.load offset=4 (local.get $a)) (i32.shl (local.get $c) (i32.const 4))))))
                (else
                  (local.set $v (v128.const f32x4 0 0 0 0))
                  (local.set $at (i32.add (i32.load (local.get $a)) (i32.shl (i32.add (i32.mul (i32.mul (local.get $b) (local.get $n)) (local.get $c4)) (local.get $c)) (i32.const 4))))
                  (local.set $j (i32.const 0))
                  (loop $add
                    (local.set $v (f32x4.add (local.get $v) (v128.load (local.get $at))))
                    (local.set $at (i32.add (local.get $at) (i32.shl (local.get $c4) (i32.const 4))))
                    (br_if $add (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (local.get $n))))
                  (local.set $v (f32x4.div (local.get $v) (f32x4.splat (f32.convert_i32_u (local.get $n)))))))))
          (v128.store (local.get $out) (f32x4.add (local.get $v) (call $half4 (local.get $p))))
          (local.set $p (i32.add (local.get $p) (i32.const 8)))
          (local.set $out (i32.add (local.get $out) (i32.const 16)))
          (br_if $col (i32.lt_u (local.tee $c (i32.add (local.get $c) (i32.const 1))) (local.get $c4))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $token))))

  ;; avgpool: x, out, pixels of out, side, side of out, k, width in vec4s
  (func $avgpool (param $a i32) (param $piece i32) (param $pieces i32)
    (local $i i32) (local $units i32) (local $side i32) (local $o i32) (local $k i32) (local $row i32) (local $pixel i32) (local $from i32) (local $end i32)
    (local $at i32) (local $out i32) (local $dy i32) (local $dx i32) (local $v v128) (local $scale v128)
    (local.set $side (i32.load offset=12 (local.get $a)))
    (local.set $o (i32.load offset=16 (local.get $a)))
    (local.set $k (i32.load offset=20 (local.get $a)))
    (local.set $pixel (i32.shl (i32.load offset=24 (local.get $a)) (i32.const 4))) ;; bytes
    (local.set $row (i32.mul (local.get $side) (local.get $pixel)))
    (local.set $scale (f32x4.splat (f32.div (f32.const 1) (f32.convert_i32_u (i32.mul (local.get $k) (local.get $k))))))
    (local.set $units (i32.load offset=8 (local.get $a)))
    (local.set $i (call $share (local.get $units) (local.get $piece) (local.get $pieces)))
    (local.set $units (call $share (local.get $units) (i32.add (local.get $piece) (i32.const 1)) (local.get $pieces)))
    (local.set $out (i32.add (i32.load offset=4 (local.get $a)) (i32.mul (local.get $i) (local.get $pixel))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $i) (local.get $units)))
        (local.set $from (i32.add (i32.load (local.get $a)) (i32.mul (local.get $pixel)
          (i32.add
            (i32.mul
              (i32.add
                (i32.mul (i32.div_u (local.get $i) (i32.mul (local.get $o) (local.get $o))) (local.get $side))
                (i32.mul (i32.rem_u (i32.div_u (local.get $i) (local.get $o)) (local.get $o)) (local.get $k)))
              (local.get $side))
            (i32.mul (i32.rem_u (local.get $i) (local.get $o)) (local.get $k))))))
        (local.set $end (i32.add (local.get $out) (local.get $pixel)))
        (loop $col
          (local.set $v (f32x4.splat (f32.const 0)))
          (local.set $dy (local.get $k))
          (local.set $at (local.get $from))
          (loop $down
            (local.set $dx (local.get $k))
            (loop $across
              (local.set $v (f32x4.add (local.get $v) (v128.load (local.get $at))))
              (local.set $at (i32.add (local.get $at) (local.get $pixel)))
              (br_if $across (local.tee $dx (i32.sub (local.get $dx) (i32.const 1)))))
            (local.set $at (i32.add (local.get $at) (i32.sub (local.get $row) (i32.mul (local.get $k) (local.get $pixel)))))
            (br_if $down (local.tee $dy (i32.sub (local.get $dy) (i32.const 1)))))
          (v128.store (local.get $out) (f32x4.mul (local.get $v) (local.get $scale)))
          (local.set $from (i32.add (local.get $from) (i32.const 16)))
          (br_if $col (i32.lt_u (local.tee $out (i32.add (local.get $out) (i32.const 16))) (local.get $end))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next))))

  ;; rows: x, numbers, out, count, width in vec4s
  (func $rows (param $a i32) (param $piece i32) (param $pieces i32)
    (local $i i32) (local $units i32) (local $c4 i32) (local $c i32) (local $from i32) (local $to i32)
    (local.set $c4 (i32.load offset=16 (local.get $a)))
    (local.set $units (i32.load offset=12 (local.get $a)))
    (local.set $i (call $share (local.get $units) (local.get $piece) (local.get $pieces)))
    (local.set $units (call $share (local.get $units) (i32.add (local.get $piece) (i32.const 1)) (local.get $pieces)))
    (block $done
      (loop $row
        (br_if $done (i32.ge_u (local.get $i) (local.get $units)))
        (local.set $from (i32.add (i32.load (local.get $a)) (i32.shl (i32.mul (local.get $c4)
          (i32.load (i32.add (i32.load offset=4 (local.get $a)) (i32.shl (local.get $i) (i32.const 2))))) (i32.const 4))))
        (local.set $to (i32.add (i32.load offset=8 (local.get $a)) (i32.shl (i32.mul (local.get $c4) (local.get $i)) (i32.const 4))))
        (local.set $c (i32.const 0))
        (loop $col
          (v128.store (local.get $to) (v128.load (local.get $from)))
          (local.set $from (i32.add (local.get $from) (i32.const 16)))
          (local.set $to (i32.add (local.get $to) (i32.const 16)))
          (br_if $col (i32.lt_u (local.tee $c (i32.add (local.get $c) (i32.const 1))) (local.get $c4))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $row))))

  ;; normalize: x, out, rows, width in vec4s. A row of zeros stays zero.
  (func $normalize (param $a i32) (param $piece i32) (param $pieces i32)
    (local $i i32) (local $units i32) (local $c4 i32) (local $c i32) (local $at i32) (local $to i32) (local $sum v128) (local $scale f32)
    (local.set $c4 (i32.load offset=12 (local.get $a)))
    (local.set $units (i32.load offset=8 (local.get $a)))
    (local.set $i (call $share (local.get $units) (local.get $piece) (local.get $pieces)))
    (local.set $units (call $share (local.get $units) (i32.add (local.get $piece) (i32.const 1)) (local.get $pieces)))
    (block $done
      (loop $row
        (br_if $done (i32.ge_u (local.get $i) (local.get $units)))
        (local.set $at (i32.add (i32.load (local.get $a)) (i32.shl (i32.mul (local.get $i) (local.get $c4)) (i32.const 4))))
        (local.set $to (i32.add (i32.load offset=4 (local.get $a)) (i32.shl (i32.mul (local.get $i) (local.get $c4)) (i32.const 4))))
        (local.set $sum (v128.const f32x4 0 0 0 0))
        (local.set $c (i32.const 0))
        (loop $square
          (local.set $sum (f32x4.add (local.get $sum) (f32x4.mul (v128.load (local.get $at)) (v128.load (local.get $at)))))
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (br_if $square (i32.lt_u (local.tee $c (i32.add (local.get $c) (i32.const 1))) (local.get $c4))))
        (local.set $scale (call $sum (local.get $sum)))
        (if (f32.gt (local.get $scale) (f32.const 0)) (then (local.set $scale (f32.div (f32.const 1) (f32.sqrt (local.get $scale))))))
        (local.set $at (i32.sub (local.get $at) (i32.shl (local.get $c4) (i32.const 4))))
        (local.set $c (i32.const 0))
        (loop $write
          (v128.store (local.get $to) (f32x4.mul (v128.load (local.get $at)) (f32x4.splat (local.get $scale))))
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (local.set $to (i32.add (local.get $to) (i32.const 16)))
          (br_if $write (i32.lt_u (local.tee $c (i32.add (local.get $c) (i32.const 1))) (local.get $c4))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $row))))

  ;; ---- pictures ----
  ;;
  ;; A pixel is 4 bytes. Both passes of a resize (see resize.go) are sums of products of samples, 8 bits, with
  ;; coefficients of 23. i32x4.dot_i16x8_s makes eight products of 16 bits at once. The horizontal pass has a way of its
  ;; own to make do with that. The vertical one takes a coefficient apart into h·2^11 + l, 0 ≤ l < 2^11, and the sum is
  ;; (Σ h·s)·2^11 + Σ l·s. It fits 32 bits, and so it is exact even where a part of it overflows. The h of two taps share a
  ;; word, and so do their l.

  ;; level ends four sums: it rounds and drops the fraction. They are clipped to 0..255 when they are narrowed.
  (func $level (param $h v128) (param $l v128) (result v128)
    (i32x4.shr_s
      (i32x4.add
        (i32x4.add (i32x4.shl (local.get $h) (i32.const 11)) (local.get $l))
        (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
      (i32.const 22)))

  ;; whiten lays n fours of pixels over white; their colours are (1) as they are or (2) multiplied by alpha. What becomes
  ;; of their alpha means nothing. In the first case a level becomes (c·a + 255·(255 − a)) / 255, rounded, which with
  ;; t = a·(c − 255) + 255² + 128 is (t + t/256) / 256, in the other c + 255 − a, but 255 at most.
  (func $whiten (param $from i32) (param $n i32) (param $to i32) (param $colours i32)
    @for h 0 1
    (local $c{h} v128) (local $a{h} v128)
    @end
    (loop $next
      (local.set $c1 (v128.load (local.get $from)))
      (local.set $c0 (i16x8.extend_low_i8x16_u (local.get $c1)))
      (local.set $c1 (i16x8.extend_high_i8x16_u (local.get $c1)))
      @for h 0 1
      (local.set $a{h} (i8x16.shuffle 6 7 6 7 6 7 6 7 14 15 14 15 14 15 14 15 (local.get $c{h}) (local.get $c{h})))
      (if (i32.eq (local.get $colours) (i32.const 2))
        (then
          (local.set $c{h} (i16x8.add (local.get $c{h}) (i16x8.sub (v128.const i16x8 255 255 255 255 255 255 255 255) (local.get $a{h})))))
        (else
          (local.set $c{h} (i16x8.add
            (i16x8.mul (local.get $a{h}) (i16x8.sub (local.get $c{h}) (v128.const i16x8 255 255 255 255 255 255 255 255)))
            (v128.const i16x8 65153 65153 65153 65153 65153 65153 65153 65153)))
          (local.set $c{h} (i16x8.shr_u (i16x8.add (local.get $c{h}) (i16x8.shr_u (local.get $c{h}) (i32.const 8))) (i32.const 8)))))
      @end
      (v128.store (local.get $to) (i8x16.narrow_i16x8_u (local.get $c0) (local.get $c1)))
      (local.set $from (i32.add (local.get $from) (i32.const 16)))
      (local.set $to (i32.add (local.get $to) (i32.const 16)))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))

  ;; spread puts the samples of n fours of pixels of four rows at $at, as horizontal has it, and returns the pixels' and.
  (func $spread (param $row0 i32) (param $row1 i32) (param $row2 i32) (param $row3 i32) (param $n i32) (param $at i32) (result v128)
    (local $all v128) (local $y v128) (local $colour v128)
    @for r 0 3
    (local $x{r} v128)
    @end
    (local.set $all (v128.const i32x4 -1 -1 -1 -1))
    (local.set $colour (v128.const i32x4 0xffffff 0xffffff 0xffffff 0xffffff)) ;; in a register, unlike a constant in the loop
    (loop $next
      @for r 0 3
      (local.set $x{r} (v128.load (local.get $row{r})))
      (local.set $row{r} (i32.add (local.get $row{r}) (i32.const 16)))
      (local.set $all (v128.and (local.get $all) (local.get $x{r})))
      @end
      @for r 0 2
      (local.set $x{r} (v128.or
        (v128.and (local.get $x{r}) (local.get $colour))
        (v128.andnot (i32x4.shl (local.get $x3) (i32.const {r*8+8})) (local.get $colour))))
      (local.set $y (i16x8.extend_high_i8x16_u (local.get $x{r})))
      (local.set $x{r} (i16x8.extend_low_i8x16_u (local.get $x{r})))
      (v128.store offset={r*32} (local.get $at)
        (i8x16.shuffle 0 1 16 17 2 3 18 19 4 5 20 21 6 7 22 23 (local.get $x{r}) (local.get $y)))
      (v128.store offset={r*32+16} (local.get $at)
        (i8x16.shuffle 8 9 24 25 10 11 26 27 12 13 28 29 14 15 30 31 (local.get $x{r}) (local.get $y)))
      @end
      (local.set $at (i32.add (local.get $at) (i32.const 192)))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $all))

  ;; horizontal: pixels, pitch (bytes), rows, columns (see below), coefficients, columns of out, out, its pitch (bytes),
  ;; fraction bits, fours of pixels in a row, scratch, scratch bytes a thread, whether pixels are to be laid over white
  ;; and how (see whiten). A unit is eight rows, which share the reading of coefficients.
  ;;
  ;; Their samples are first spread out in scratch, 16 bits each: [r0 r2 g0 g2 b0 b2 x0 x2] of a row's four pixels, and the
  ;; same of 1 and 3, for three rows one after the other. In place of their alpha, x, are blue, green and red of a fourth
  ;; row, so that nothing is multiplied in vain. With four rows more these are 192 bytes. Every pixel is read for about
  ;; four columns, so this is done once instead of four times. (Other orders would have to be made by general shuffles,
  ;; which Chromium translates badly.) Only if a pixel turns out not to be opaque, the rows are laid over white, behind
  ;; that, and spread out again.
  ;;
  ;; Coefficients of 16 bits are half the work of all their bits. Of a sum with them a bound is known: it begins as low as
  ;; the truth may be, and only where the level would be another one if it were as much higher as it may be, what the
  ;; coefficients lack is added too. Of a photo that is made smaller that is one pixel in 25.
  ;;
  ;; Of every column there are 20 bytes: where its first four lies in scratch (bytes), how many fours it has, what sums
  ;; begin with, how much higher they may be, and where what its coefficients lack lies. Coefficients of a four are
  ;; [c02 c13], of 16 bits each, and so is what they lack. What becomes of alpha means nothing.
  (func $horizontal (param $a i32) (param $piece i32) (param $pieces i32)
    (local $unit i32) (local $units i32) (local $last i32) (local $t i32) (local $k i32) (local $i i32) (local $n i32) (local $bits i32)
    (local $scratch i32) (local $white i32) (local $fours i32) (local $colours i32) (local $at i32) (local $c02 v128) (local $c13 v128) (local $x v128) (local $higher v128) (local $level v128)
    @for r 0 7
    (local $row{r} i32) (local $out{r} i32)
    @end
    @for s 0 5
    (local $sum{s} v128)
    @end
    (local.set $bits (i32.load offset=32 (local.get $a)))
    (local.set $level (i32x4.shl (v128.const i32x4 -1 -1 -1 -1) (local.get $bits))) ;; the bits of a sum that are its level
    (local.set $scratch (i32.add (i32.load offset=40 (local.get $a)) (i32.mul (global.get $thread) (i32.load offset=44 (local.get $a)))))
    (local.set $fours (i32.load offset=36 (local.get $a)))
    (local.set $white (i32.add (local.get $scratch) (i32.mul (local.get $fours) (i32.const 192))))
    (local.set $last (i32.sub (i32.load offset=8 (local.get $a)) (i32.const 1)))
    (local.set $units (i32.shr_u (i32.add (local.get $last) (i32.const 8)) (i32.const 3)))
    (local.set $unit (call $share (local.get $units) (local.get $piece) (local.get $pieces)))
    (local.set $units (call $share (local.get $units) (i32.add (local.get $piece) (i32.const 1)) (local.get $pieces)))
    (block $done
      (loop $rows
        (br_if $done (i32.ge_u (local.get $unit) (local.get $units)))
        ;; The last unit may make the last row more than once.
        @for r 0 7
        (local.set $i (i32.add (i32.shl (local.get $unit) (i32.const 3)) (i32.const {r})))
        (if (i32.gt_u (local.get $i) (local.get $last)) (then (local.set $i (local.get $last))))
        (local.set $row{r} (i32.add (i32.load (local.get $a)) (i32.mul (local.get $i) (i32.load offset=4 (local.get $a)))))
        (local.set $out{r} (i32.add (i32.load offset=24 (local.get $a)) (i32.mul (local.get $i) (i32.load offset=28 (local.get $a)))))
        @end
        (local.set $colours (i32.load offset=48 (local.get $a)))
        (block $spread
          (loop $again
            (local.set $x (v128.and
              (call $spread (local.get $row0) (local.get $row1) (local.get $row2) (local.get $row3) (local.get $fours) (local.get $scratch))
              (call $spread (local.get $row4) (local.get $row5) (local.get $row6) (local.get $row7) (local.get $fours) (i32.add (local.get $scratch) (i32.const 96)))))
            (br_if $spread (i32.eqz (local.get $colours)))
            (br_if $spread (i32.eqz (v128.any_true (v128.andnot (v128.const i32x4 0xff000000 0xff000000 0xff000000 0xff000000) (local.get $x)))))
            (local.set $at (local.get $white))
            @for r 0 7
            (call $whiten (local.get $row{r}) (local.get $fours) (local.get $at) (local.get $colours))
            (local.set $row{r} (local.get $at))
            (local.set $at (i32.add (local.get $at) (i32.shl (local.get $fours) (i32.const 4))))
            @end
            (local.set $colours (i32.const 0))
            (br $again)))
        (local.set $t (i32.load offset=12 (local.get $a)))
        (local.set $k (i32.load offset=16 (local.get $a)))
        (local.set $i (i32.load offset=20 (local.get $a)))
        (loop $column
          (local.set $at (i32.add (local.get $scratch) (i32.load (local.get $t))))
          (local.set $n (i32.load offset=4 (local.get $t)))
          @for s 0 5
          (local.set $sum{s} (v128.load32_splat offset=8 (local.get $t)))
          @end
          (loop $four
            (local.set $c02 (v128.load32_splat (local.get $k)))
            (local.set $c13 (v128.load32_splat offset=4 (local.get $k)))
            (local.set $k (i32.add (local.get $k) (i32.const 8)))
            @for s 0 5
            (local.set $sum{s} (i32x4.add (local.get $sum{s}) (i32x4.dot_i16x8_s (v128.load offset={s*32} (local.get $at)) (local.get $c02))))
            (local.set $sum{s} (i32x4.add (local.get $sum{s}) (i32x4.dot_i16x8_s (v128.load offset={s*32+16} (local.get $at)) (local.get $c13))))
            @end
            (local.set $at (i32.add (local.get $at) (i32.const 192)))
            (br_if $four (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
          (local.set $higher (v128.load32_splat offset=12 (local.get $t)))
          @for s 0 5
          (local.set $sum{s}
            (if (result v128) (v128.any_true (v128.and (v128.xor (local.get $sum{s}) (i32x4.add (local.get $sum{s}) (local.get $higher))) (local.get $level)))
              (then (call $exactly
                (i32x4.sub (local.get $sum{s}) (v128.load32_splat offset=8 (local.get $t))) (local.get $bits)
                (i32.add (i32.add (local.get $scratch) (i32.load (local.get $t))) (i32.const {s*32}))
                (i32.load offset=4 (local.get $t)) (i32.load offset=16 (local.get $t))))
              (else (i32x4.shr_s (local.get $sum{s}) (local.get $bits)))))
          @end
          (call $put (local.get $sum0) (local.get $sum1) (local.get $sum2) (local.get $out0) (local.get $out1) (local.get $out2) (local.get $out3))
          (call $put (local.get $sum3) (local.get $sum4) (local.get $sum5) (local.get $out4) (local.get $out5) (local.get $out6) (local.get $out7))
          @for r 0 7
          (local.set $out{r} (i32.add (local.get $out{r}) (i32.const 4)))
          @end
          (local.set $t (i32.add (local.get $t) (i32.const 20)))
          (br_if $column (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
        (local.set $unit (i32.add (local.get $unit) (i32.const 1)))
        (br $rows))))

  ;; put stores the levels of a column in four rows, of which those of the last are in place of the others' alpha.
  (func $put (param $a v128) (param $b v128) (param $c v128) (param $out0 i32) (param $out1 i32) (param $out2 i32) (param $out3 i32)
    (local.set $a (call $pixels (local.get $a) (local.get $b) (local.get $c) (local.get $c)))
    @for r 0 2
    (v128.store32_lane {r} (local.get $out{r}) (local.get $a))
    @end
    (local.set $a (i32x4.shr_u (local.get $a) (i32.const 24)))
    (local.set $a (i8x16.shuffle 8 9 10 11 4 5 6 7 0 1 2 3 0 1 2 3 (local.get $a) (local.get $a)))
    (v128.store32_lane 0 (local.get $out3) (call $pixels (local.get $a) (local.get $a) (local.get $a) (local.get $a))))

  ;; exactly is the levels of sums over n fours in horizontal's scratch, once what their coefficients lack is added.
  (func $exactly (param $sum v128) (param $bits i32) (param $at i32) (param $n i32) (param $k i32) (result v128)
    (local.set $sum (i32x4.shl (local.get $sum) (i32.sub (i32.const 22) (local.get $bits))))
    (loop $four
      (local.set $sum (i32x4.add (local.get $sum) (i32x4.dot_i16x8_s (v128.load (local.get $at)) (v128.load32_splat (local.get $k)))))
      (local.set $sum (i32x4.add (local.get $sum) (i32x4.dot_i16x8_s (v128.load offset=16 (local.get $at)) (v128.load32_splat offset=4 (local.get $k)))))
      (local.set $at (i32.add (local.get $at) (i32.const 192)))
      (local.set $k (i32.add (local.get $k) (i32.const 8)))
      (br_if $four (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32x4.shr_s (i32x4.add (local.get $sum) (v128.const i32x4 0x200000 0x200000 0x200000 0x200000)) (i32.const 22)))

  (func $pixels (param $a v128) (param $b v128) (param $c v128) (param $d v128) (result v128)
    (i8x16.narrow_i16x8_u
      (i16x8.narrow_i32x4_s (local.get $a) (local.get $b))
      (i16x8.narrow_i32x4_s (local.get $c) (local.get $d))))

  ;; vertical: x, taps, coefficients, rows of out, out, pitch of both (bytes, a multiple of 16). Of every row of out, taps
  ;; has where its first row of x lies (bytes), and how many pairs of rows it reads; and it has as many coefficients,
  ;; [h01 l01], at every stride. Alpha becomes 255.
  (func $vertical (param $a i32) (param $piece i32) (param $pieces i32)
    (local $row i32) (local $rows i32) (local $pitch i32) (local $t i32) (local $k i32) (local $col i32) (local $n i32) (local $at i32) (local $out i32)
    (local $h v128) (local $l v128) (local $x v128) (local $y v128) (local $z v128)
    @for p 0 3
    (local $h{p} v128) (local $l{p} v128)
    @end
    (local.set $pitch (i32.load offset=20 (local.get $a)))
    (local.set $rows (i32.load offset=12 (local.get $a)))
    (local.set $row (call $share (local.get $rows) (local.get $piece) (local.get $pieces)))
    (local.set $rows (call $share (local.get $rows) (i32.add (local.get $piece) (i32.const 1)) (local.get $pieces)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $row) (local.get $rows)))
        (local.set $t (i32.add (i32.load offset=4 (local.get $a)) (i32.shl (local.get $row) (i32.const 3))))
        (local.set $out (i32.add (i32.load offset=16 (local.get $a)) (i32.mul (local.get $row) (local.get $pitch))))
        (local.set $col (i32.const 0))
        (loop $four
          (local.set $at (i32.add (i32.add (i32.load (local.get $a)) (i32.load (local.get $t))) (local.get $col)))
          (local.set $n (i32.load offset=4 (local.get $t)))
          (local.set $k (i32.add (i32.load offset=8 (local.get $a)) (i32.mul (local.get $row) (i32.load offset=24 (local.get $a)))))
          @for p 0 3
          (local.set $h{p} (v128.const i32x4 0 0 0 0))
          (local.set $l{p} (v128.const i32x4 0 0 0 0))
          @end
          (loop $pair
            (local.set $h (v128.load32_splat (local.get $k)))
            (local.set $l (v128.load32_splat offset=4 (local.get $k)))
            (local.set $k (i32.add (local.get $k) (i32.const 8)))
            (local.set $x (v128.load (local.get $at)))
            (local.set $y (v128.load (i32.add (local.get $at) (local.get $pitch))))
            (local.set $at (i32.add (local.get $at) (i32.shl (local.get $pitch) (i32.const 1))))
            (local.set $z (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31 (local.get $x) (local.get $y)))
            (local.set $x (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get $x) (local.get $y)))
            (local.set $y (i16x8.extend_low_i8x16_u (local.get $x)))
            (local.set $h0 (i32x4.add (local.get $h0) (i32x4.dot_i16x8_s (local.get $y) (local.get $h))))
            (local.set $l0 (i32x4.add (local.get $l0) (i32x4.dot_i16x8_s (local.get $y) (local.get $l))))
            (local.set $y (i16x8.extend_high_i8x16_u (local.get $x)))
            (local.set $h1 (i32x4.add (local.get $h1) (i32x4.dot_i16x8_s (local.get $y) (local.get $h))))
            (local.set $l1 (i32x4.add (local.get $l1) (i32x4.dot_i16x8_s (local.get $y) (local.get $l))))
            (local.set $y (i16x8.extend_low_i8x16_u (local.get $z)))
            (local.set $h2 (i32x4.add (local.get $h2) (i32x4.dot_i16x8_s (local.get $y) (local.get $h))))
            (local.set $l2 (i32x4.add (local.get $l2) (i32x4.dot_i16x8_s (local.get $y) (local.get $l))))
            (local.set $y (i16x8.extend_high_i8x16_u (local.get $z)))
            (local.set $h3 (i32x4.add (local.get $h3) (i32x4.dot_i16x8_s (local.get $y) (local.get $h))))
            (local.set $l3 (i32x4.add (local.get $l3) (i32x4.dot_i16x8_s (local.get $y) (local.get $l))))
            (br_if $pair (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
          (v128.store (i32.add (local.get $out) (local.get $col)) (v128.or
            (call $pixels
              (call $level (local.get $h0) (local.get $l0)) (call $level (local.get $h1) (local.get $l1))
              (call $level (local.get $h2) (local.get $l2)) (call $level (local.get $h3) (local.get $l3)))
            (v128.const i32x4 0xff000000 0xff000000 0xff000000 0xff000000)))
          (br_if $four (i32.lt_u (local.tee $col (i32.add (local.get $col) (i32.const 16))) (local.get $pitch))))
        (local.set $row (i32.add (local.get $row) (i32.const 1)))
        (br $next))))
)
