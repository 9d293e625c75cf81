import type { Json } from '../log-fields.ts'

const PAIR = /([A-Za-z_@][\w.@/-]{0,63})=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))(?: +|$)/y
const PAIRS_MAX = 200

/** Reads `key=value key="a value"`: the whole text must be pairs. */
export function pairsOf(text: string): Json | undefined {
  PAIR.lastIndex = 0
  const fields: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  for (let pairs = 0; PAIR.lastIndex < text.length && pairs < PAIRS_MAX; pairs += 1) {
    const found = PAIR.exec(text)
    if (found === null) return undefined
    const [, key = '', quoted, plain] = found
    fields[key] ??=
      quoted === undefined ? plain : quoted.replace(/\\(.)/g, (_, letter: string) => (letter === 'n' ? '\n' : letter))
  }
  return fields
}

/** Reads a line of logfmt. A single pair could be any text. */
export function readLogfmt(line: string): Json | undefined {
  const fields = pairsOf(line)
  return fields === undefined || Object.keys(fields).length < 2 ? undefined : fields
}
