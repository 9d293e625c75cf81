import { route } from 'escudo/fastify'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { BoundedMap } from '../bounded-map.ts'
import { Errors } from '../catalogue.ts'

/** The longest e-mail address (RFC 5321). Without it, a bounded number of users could still fill the memory. */
const EMAIL_LENGTH_MAX = 254

const NewUser = z.object({
  email: z
    .string()
    .max(EMAIL_LENGTH_MAX)
    .meta({ examples: ['ana@example.com'] }),
  nombre: z.string().meta({ examples: ['Ana'] }),
})
const documented = { tags: ['4.2'], summary: 'Register a user', response: z.object({ mensaje: z.string() }) } as const
const ERROR_NAMES = ['EMAIL_ALREADY_EXISTS', 'INVALID_EMAIL_FORMAT', 'ALMACEN_LLENO'] as const

/** The settings of {@link userRoutes}. */
export interface UserSettings {
  readonly usersFailRate: number
  readonly entriesMax: number
}

/** 4.2: business rules with their own errors, and a random bug. */
export function userRoutes({ usersFailRate, entriesMax }: UserSettings, random: () => number) {
  const emails = new BoundedMap<true>('usuarios', entriesMax)
  emails.set('test@example.com', true)

  return async (app: FastifyInstance): Promise<void> => {
    app.post(
      '/users',
      route({ ...documented, body: NewUser, errors: ERROR_NAMES }, async ({ body }) => {
        const { email, nombre } = body
        if (emails.has(email)) throw new Errors.EMAIL_ALREADY_EXISTS({ email_conflictivo: email })
        if (!email.includes('@')) throw new Errors.INVALID_EMAIL_FORMAT()
        emails.checkRoom()
        // After all rules and before the write, so that a failed request stores nothing.
        if (random() < usersFailRate) throw new Error('simulated bug: creating the user failed')
        emails.set(email, true)
        return { mensaje: `Usuario ${nombre} creado con email ${email}` }
      }),
    )
  }
}
