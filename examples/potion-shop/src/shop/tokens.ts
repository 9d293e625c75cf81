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

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
