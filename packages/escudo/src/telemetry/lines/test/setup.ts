import { createLogger, type LoggerSettings } from '../../pino.ts'

/** The secret that no line may contain. */
export const S = 'S3NT1N3L'

type Log = ReturnType<typeof createLogger>

/** Logs with `body` and returns the text and the parsed lines. */
export function logged(body: (log: Log) => void, settings: Partial<LoggerSettings> = {}) {
  const texts: string[] = []
  const sink = { write: (line: string) => texts.push(line) }
  body(createLogger({ service: 'x', level: 'debug', stdout: false, sink, ...settings }))
  return { text: texts.join(''), texts, lines: texts.map((line) => JSON.parse(line) as Record<string, unknown>) }
}
