;; expand brings Go's tables of functions back into memory, when the engine's module is instantiated: `clipside build`
;; makes it the module's start function, with the parameters set. tables.go tells the layout of what it reads and why.
;;
;;   site/node_modules/.bin/wat2wasm cmd/clipside/tables.wat -o cmd/clipside/tables.wasm
(module
  (memory 1)

  (func (export "expand")
    (param $from i32)      ;; where the packed tables are: numbers of 7 bits a byte, lowest first
    (param $functions i32) ;; how many there are
    (param $functab i32)   ;; their table, then what it has offsets to: what is known of each function
    (param $find i32)      ;; the buckets of functions by address
    (param $end i32)       ;; of the buckets
    (local $group i32) (local $column i32) (local $function i32) (local $words i32) (local $at i32)
    (local $value i32) (local $number i32) (local $shift i32) (local $byte i32) (local $any i32)

    (loop $groups
      (local.set $column (i32.const 0))
      (loop $columns
        (local.set $any (i32.const 0))
        (local.set $value (i32.const 0))
        (local.set $function (i32.const 0))
        (loop $rows
          ;; Group 0 is the table itself, of two words a function.
          (local.set $at (i32.add (local.get $functab) (i32.shl (local.get $function) (i32.const 3))))
          (local.set $words (i32.const 2))
          (if (local.get $group) (then
            ;; Group 1 is the first 11 words of what is known of a function.
            (local.set $at (i32.add (local.get $functab) (i32.load offset=4 (local.get $at))))
            (local.set $words (i32.const 11))
            (if (i32.gt_u (local.get $group) (i32.const 1)) (then
              ;; Group 2 follows: as many words as word 7 says. Group 3 comes last: as many as the highest byte of word 10 says.
              (local.set $words (i32.load offset=28 (local.get $at)))
              (local.set $byte (i32.load8_u offset=43 (local.get $at)))
              (local.set $at (i32.add (local.get $at) (i32.const 44)))
              (if (i32.eq (local.get $group) (i32.const 3)) (then
                (local.set $at (i32.add (local.get $at) (i32.shl (local.get $words) (i32.const 2))))
                (local.set $words (local.get $byte))))))))
          (if (i32.lt_u (local.get $column) (local.get $words)) (then
            (local.set $number (i32.const 0))
            (local.set $shift (i32.const 0))
            (loop $bytes
              (local.set $byte (i32.load8_u (local.get $from)))
              (local.set $from (i32.add (local.get $from) (i32.const 1)))
              (local.set $number (i32.or (local.get $number)
                (i32.shl (i32.and (local.get $byte) (i32.const 127)) (local.get $shift))))
              (local.set $shift (i32.add (local.get $shift) (i32.const 7)))
              (br_if $bytes (i32.ge_u (local.get $byte) (i32.const 128))))
            ;; A number is the difference from the row above; its lowest bit is its sign.
            (local.set $value (i32.add (local.get $value)
              (i32.xor (i32.shr_u (local.get $number) (i32.const 1))
                (i32.sub (i32.const 0) (i32.and (local.get $number) (i32.const 1))))))
            (i32.store (i32.add (local.get $at) (i32.shl (local.get $column) (i32.const 2))) (local.get $value))
            (local.set $any (i32.const 1))))
          (local.set $function (i32.add (local.get $function) (i32.const 1)))
          ;; The table ends with a row for where the last function ends.
          (br_if $rows (i32.lt_u (local.get $function) (i32.add (local.get $functions) (i32.eqz (local.get $group))))))
        (local.set $column (i32.add (local.get $column) (i32.const 1)))
        (br_if $columns (local.get $any))) ;; until there is none so wide
      (local.set $group (i32.add (local.get $group) (i32.const 1)))
      (br_if $groups (i32.lt_u (local.get $group) (i32.const 4))))

    ;; Last, because the packed tables are here: 16 buckets of 20 bytes for each function, which begin with its number.
    (memory.fill (local.get $find) (i32.const 0) (i32.sub (local.get $end) (local.get $find)))
    (local.set $function (i32.const 0))
    (loop $buckets
      (i32.store (local.get $find) (i32.shr_u (local.get $function) (i32.const 4)))
      (local.set $function (i32.add (local.get $function) (i32.const 1)))
      (local.set $find (i32.add (local.get $find) (i32.const 20)))
      (br_if $buckets (i32.lt_u (local.get $find) (local.get $end)))))
)
