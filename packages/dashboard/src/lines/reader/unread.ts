/** Why a line was not recognised. */
export type Reason =
  | 'too-long'
  | 'utf-16'
  | 'binary'
  | 'pretty-json'
  | 'json-array'
  | 'broken-json'
  | 'not-an-object'
  | 'journal-export'
  | 'unknown-text'
  | 'no-known-field'
  | 'otlp-without-logs'
  | 'not-as-declared'

/** A line that was not recognised. */
export class Unread {
  readonly reason: Reason
  /** What the reason is, and what to do about it. */
  readonly text: string
  /** Whether the line itself is broken: what is only unknown is not malformed. */
  readonly isMalformed: boolean

  constructor(reason: Reason, text: string, isMalformed: boolean) {
    this.reason = reason
    this.text = text
    this.isMalformed = isMalformed
  }
}

/** One value for each reason: an unread line allocates nothing. */
export const UNREAD: Readonly<Record<Reason, Unread>> = {
  'too-long': new Unread('too-long', 'longer than 1 MiB', true),
  'utf-16': new Unread('utf-16', 'UTF-16: convert the file to UTF-8, for example with iconv -f UTF-16 -t UTF-8', true),
  binary: new Unread('binary', 'binary data, not a log', true),
  'pretty-json': new Unread(
    'pretty-json',
    'part of pretty-printed JSON: write one object per line, for example with jq -c .',
    true,
  ),
  'json-array': new Unread(
    'json-array',
    "part of a JSON array: write one object per line, for example with jq -c '.[]'",
    true,
  ),
  'broken-json': new Unread('broken-json', 'broken JSON: cut off, or mixed with another line', true),
  'not-an-object': new Unread('not-an-object', 'JSON, but no object', true),
  'journal-export': new Unread(
    'journal-export',
    "part of journald's export format: write one object per record, with journalctl -o json",
    false,
  ),
  'unknown-text': new Unread('unknown-text', 'text of an unknown format: declare it with --format, or log JSON', true),
  'no-known-field': new Unread(
    'no-known-field',
    'JSON without a known time, level, message or status: name its fields, for example --field status=code',
    false,
  ),
  'otlp-without-logs': new Unread(
    'otlp-without-logs',
    'OpenTelemetry traces or metrics: only its logs are read',
    false,
  ),
  'not-as-declared': new Unread('not-as-declared', 'not in the format that --format declares', true),
}

const EXAMPLE_MAX = 200

/** Returns the beginning of a line for display: bounded, with control characters made visible. */
export function exampleOf(line: string): string {
  const start = line.length > EXAMPLE_MAX ? `${line.slice(0, EXAMPLE_MAX - 1).toWellFormed()}…` : line
  // Also characters that change the direction of text or are invisible.
  const visible = start.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0
    if (code < 0x20) return String.fromCodePoint(0x2400 + code)
    return `\\u${code.toString(16).padStart(4, '0')}`
  })
  return Buffer.from(visible).toString()
}

/** Names what a line that starts like JSON is, after it could not be parsed. */
export function brokenJson(line: string): Unread {
  const trimmed = line.trim()
  if (trimmed === '{') return UNREAD['pretty-json']
  return trimmed.endsWith('},') ? UNREAD['json-array'] : UNREAD['broken-json']
}

/** Whether a line is a field of journald's export format. */
export function isJournalExport(line: string): boolean {
  return /^(?:__(?:CURSOR|REALTIME_TIMESTAMP|MONOTONIC_TIMESTAMP|SEQNUM)|_[A-Z][A-Z0-9_]{2,60}|MESSAGE|PRIORITY|SYSLOG_[A-Z]+)=/.test(
    line,
  )
}

const PRETTY = /^\s*(?:[}\]]+,?|"(?:[^"\\]|\\.){1,200}"\s*:\s*\S.*)$/s

/** Names what a line of text is that no format reads. */
export function unknownText(line: string): Unread {
  if (isBinary(line)) return UNREAD.binary
  const trimmed = line.trim()
  if (trimmed === '[' || trimmed === ']') return UNREAD['json-array']
  if (PRETTY.test(line)) return UNREAD['pretty-json']
  if (/^[[\d"tfn-]/.test(trimmed)) {
    try {
      JSON.parse(trimmed)
      return trimmed.startsWith('[{') ? UNREAD['json-array'] : UNREAD['not-an-object']
    } catch {
      // Not JSON: an unknown text.
    }
  }
  return UNREAD['unknown-text']
}

/** Whether a line has so many characters that no text has that it is not one. */
function isBinary(line: string): boolean {
  const sample = line.slice(0, 512)
  let strange = 0
  for (let at = 0; at < sample.length; at += 1) {
    const code = sample.charCodeAt(at)
    if (code === 0xfffd || (code < 32 && code !== 9 && code !== 13 && code !== 27)) strange += 1
  }
  return strange * 10 > sample.length
}

/** Returns the encoding of a file's first bytes, if its lines cannot be read because of it. */
export function encodingOf(bytes: Buffer): 'utf-16' | undefined {
  if (bytes.length < 2) return undefined
  const mark = bytes.readUInt16BE(0)
  if (mark === 0xfffe || mark === 0xfeff) return 'utf-16'
  const sample = bytes.subarray(0, 512)
  const nuls = [0, 0]
  for (let at = 0; at < sample.length; at += 1) if (sample[at] === 0) nuls[at & 1] = (nuls[at & 1] ?? 0) + 1
  const [even = 0, odd = 0] = nuls
  // Latin text has a NUL in every second byte. A hole has them in all.
  const isAlternating = Math.max(even, odd) * 2 > sample.length * 0.8 && Math.min(even, odd) * 20 < sample.length
  return isAlternating && sample.length >= 8 ? 'utf-16' : undefined
}
