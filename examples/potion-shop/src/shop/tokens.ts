import { createHash, timingSafeEqual } from 'node:crypto'

/** Who sends a request: somebody who may use the shop, or somebody who may run it. */
export type Role = 'user' | 'admin'

/** The tokens of the roles. */
export type Tokens = Readonly<Record<Role, string>>

/**
 * Finds out whose token something is. It takes the same time for every wrong one: how far a guess was right must not be
 * read from a clock.
 */
export function roleReader(tokens: Tokens): (token: unknown) => Role | undefined {
  const user = digest(tokens.user)
  const admin = digest(tokens.admin)
  return (token) => {
    // Digests have one length, as the comparison requires; the length of the token is not told either.
    const given = digest(typeof token === 'string' ? token : '')
    const isUser = timingSafeEqual(given, user)
    const isAdmin = timingSafeEqual(given, admin)
    return isAdmin ? 'admin' : isUser ? 'user' : undefined
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
