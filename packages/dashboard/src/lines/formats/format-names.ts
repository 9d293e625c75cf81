import { CERTAIN_S, type JsonFormat } from './json-format.ts'
import { JSON_FORMATS, PLAIN_JSON } from './json-formats.ts'
import { paths } from './paths.ts'
import { TEXT_FORMATS } from './text-formats.ts'

/** The records of OpenTelemetry. */
export const OTLP: JsonFormat = {
  name: 'otlp',
  matches: () => true,
  levels: 'otlp',
  latency: { paths: paths('http.server.request.duration'), rule: CERTAIN_S },
}
export const LOGFMT: JsonFormat = { name: 'logfmt', matches: () => true }
export const PLAIN_TEXT: JsonFormat = { name: 'text', matches: () => true }

const BY_NAME: ReadonlyMap<string, JsonFormat> = new Map(
  [PLAIN_JSON, LOGFMT, OTLP, PLAIN_TEXT, ...TEXT_FORMATS.map(textFormat), ...JSON_FORMATS.toReversed()].map(
    (format) => [format.name, format],
  ),
)

/** The names that `--format` accepts. */
export const FORMAT_NAMES: readonly string[] = ['escudo', ...BY_NAME.keys()].sort()

/** Returns the format of a name; undefined for escudo's own and for an unknown name. */
export function formatOf(name: string): JsonFormat | undefined {
  return BY_NAME.get(name)
}

/** The format of the lines that a text format reads: its fields already have general names. */
function textFormat({ name }: { readonly name: string }): JsonFormat {
  return { name, matches: () => true }
}
