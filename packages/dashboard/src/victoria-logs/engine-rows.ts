import { EngineError, saidIn } from './engine-error.ts'

/** A row of an answer: VictoriaLogs returns each value as text, and leaves out empty ones. */
export type Row = Readonly<Record<string, string>>

const ANSWER_CHARACTERS_MAX = 256 * 1_048_576
/** A row has a line of the log at most, and the engine takes none as long as this. */
const ROW_CHARACTERS_MAX = 16 * 1_048_576
/** More of an answer that is no success is not read. */
const TEXT_CHARACTERS_MAX = 65_536

/**
 * Reads the rows of an answer, one JSON object per line.
 *
 * @throws EngineError if it has something else, or more than this page can take
 */
export async function rowsIn(
  response: Response,
  shown: string,
  charactersMax: number = ANSWER_CHARACTERS_MAX,
): Promise<readonly Row[]> {
  const rows: Row[] = []
  let characters = 0
  // Joined once its line ends: a long line has many parts.
  let open: string[] = []
  let openCharacters = 0
  for await (const text of textIn(response)) {
    characters += text.length
    openCharacters += text.length
    const end = text.lastIndexOf('\n')
    if (end === -1) open.push(text)
    else {
      open.push(text.slice(0, end))
      for (const line of open.join('').split('\n')) if (line !== '') rows.push(rowIn(line, shown, rows.length > 0))
      open = [text.slice(end + 1)]
      openCharacters = text.length - end - 1
    }
    if (characters > charactersMax || openCharacters > ROW_CHARACTERS_MAX)
      throw new EngineError('failed', `${shown} sent more than this page can take: choose a shorter range`)
  }
  const rest = open.join('')
  if (rest !== '') rows.push(rowIn(rest, shown, rows.length > 0))
  return rows
}

/** Returns the beginning of an answer that is no success. What follows is not read: it may have no end. */
export async function beginningOf(response: Response): Promise<string> {
  let beginning = ''
  try {
    for await (const text of textIn(response)) {
      beginning += text
      if (beginning.length >= TEXT_CHARACTERS_MAX) break
    }
  } catch {
    // What came before is enough to say what is wrong.
  }
  return beginning.slice(0, TEXT_CHARACTERS_MAX)
}

function textIn(response: Response): ReadableStream<string> {
  return (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())
}

function rowIn(line: string, shown: string, isLater: boolean): Row {
  let row: unknown
  try {
    row = JSON.parse(line)
  } catch {
    // What went wrong after the first rows is written among them.
    if (isLater || line.startsWith('{'))
      throw new EngineError('failed', `${shown} ended in the middle of an answer: ${saidIn(line)}`)
    throw new EngineError('not-victorialogs', `${shown} does not answer with rows: ${saidIn(line)}`)
  }
  if (!isRow(row)) throw new EngineError('not-victorialogs', `${shown} does not answer with rows: ${saidIn(line)}`)
  if (row['_time'] !== undefined && Number.isNaN(Date.parse(row['_time'])))
    throw new EngineError('failed', `${shown} sent a row without a valid time: ${saidIn(line)}`)
  return row
}

function isRow(value: unknown): value is Row {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.values(value).every((one) => typeof one === 'string')
}
