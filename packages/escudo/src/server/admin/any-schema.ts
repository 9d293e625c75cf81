import type { StandardSchema } from '../../errors/standard-schema.ts'

/** A schema for documents: it accepts every value, because the admin routes check and build these values themselves. */
export function anySchema<T = unknown>(jsonSchema: Record<string, unknown>): StandardSchema<T> {
  return {
    '~standard': {
      version: 1,
      vendor: 'escudo',
      validate: (value) => ({ value: value as T }),
      jsonSchema: { input: () => jsonSchema, output: () => jsonSchema },
    },
  }
}
