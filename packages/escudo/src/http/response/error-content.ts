import { joinChunks } from '../joined-chunks.ts'

/** How much of the body of a response with an unwanted status is read. */
export const ERROR_BODY_BYTES_MAX = 65_536

/** The status is known. It must not wait long for a body that only explains it. */
export const ERROR_BODY_WAIT_MS_MAX = 1_000

/**
 * Returns the body of a response with an unwanted status, for an error: parsed JSON or text.
 *
 * Text and invalid JSON that ended early stay as far as they came. Undefined for any other content type, and for JSON
 * longer than 64 KiB.
 *
 * @param complete whether the chunks are the whole body
 */
export function parseErrorBody(contentType: string, chunks: readonly Uint8Array[], complete: boolean): unknown {
  const json = /^[^;]*[/+]json\b/i.test(contentType)
  if (!json && !/^text\//i.test(contentType)) return undefined
  const bytes = joinChunks(chunks, ERROR_BODY_BYTES_MAX + 1)
  const isLonger = bytes.length > ERROR_BODY_BYTES_MAX
  if (json && isLonger) return undefined
  // `stream` leaves out a character of which the bound has kept only a part.
  const text = new TextDecoder().decode(bytes.subarray(0, ERROR_BODY_BYTES_MAX), { stream: isLonger })
  if (!json || !complete) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
