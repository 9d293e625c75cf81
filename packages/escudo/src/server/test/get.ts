/** Requests a path, and returns what tests look at. */
export async function get(
  url: string,
  init?: RequestInit,
): Promise<{ status: number; code: unknown; response: Response; text: string }> {
  const response = await fetch(url, init)
  const text = await response.text()
  const isJson = text !== '' && response.headers.get('content-type')?.includes('json') === true
  return { status: response.status, code: isJson ? JSON.parse(text).error_code : undefined, response, text }
}
