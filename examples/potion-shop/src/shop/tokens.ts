import { createHash, timingSafeEqual } from 'node:crypto'

/** The role of a client: it uses the shop or administers it. */
export type Role = 'user' | 'admin'

/** The token of each role. */
export type Tokens = Readonly<Record<Role, string>>

/**
 * Creates a function that finds the role of a token, in constant time: the duration must not reveal how much of a guess
 * was right.
 */
export function createRoleLookup(tokens: Tokens): (token: unknown) => Role | undefined {
  const user = digest(tokens.user)
  const admin = digest(tokens.admin)
  return (token) => {
    // `timingSafeEqual` needs equal lengths. Digests have one length and also hide the length of the token.
    const actual = digest(typeof token === 'string' ? token : '')
    const isUser = timingSafeEqual(actual, user)
    const isAdmin = timingSafeEqual(actual, admin)
    return isAdmin ? 'admin' : isUser ? 'user' : undefined
  }
}

/** The challenge to a browser, which sends the token as a password. Chromium does not read a second one after it. */
export const CHALLENGE = 'Basic realm="potion-shop", charset="UTF-8"'

/**
 * The token that a request carries: in the chapter's header, as `Bearer`, or as the password of `Basic`.
 *
 * A browser that opens a page sends no header of its choice. It asks for a password after a 401 that names `Basic`.
 */
export function tokenOf(headers: {
  readonly 'x-token'?: unknown
  readonly authorization?: string | undefined
}): unknown {
  if (headers['x-token'] !== undefined) return headers['x-token']
  const [, scheme = '', sent = ''] = /^(Bearer|Basic) +(\S{1,1000})$/i.exec(headers.authorization ?? '') ?? []
  if (scheme.toLowerCase() !== 'basic') return sent
  const pair = Buffer.from(sent, 'base64').toString('utf8')
  return pair.slice(pair.indexOf(':') + 1)
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
