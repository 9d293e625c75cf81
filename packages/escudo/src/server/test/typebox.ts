import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/schema'
import type { StandardSchema } from '../../errors/standard-schema.ts'

/** A schema of TypeBox as a Standard Schema. docs/errors.md shows it to users. */
export function standard<const S extends TSchema>(schema: S): StandardSchema<Static<S>> {
  const validator = Compile(schema)
  const json = { ...schema } as Record<string, unknown>
  const keysOf = (pointer: string): readonly string[] =>
    pointer
      .split('/')
      .slice(1)
      .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
  return {
    '~standard': {
      version: 1,
      vendor: 'typebox',
      validate: (value) => {
        if (validator.Check(value)) return { value: value as Static<S> }
        const issues = validator.Errors(value)[1].flatMap(({ keyword, instancePath, message, params }) => {
          // The error of a missing property is at the object.
          const missing = (params as { requiredProperties?: readonly string[] }).requiredProperties ?? []
          const paths = missing.length === 0 ? [[]] : missing.map((key) => [key])
          return paths.map((path) => ({ message, path: [...keysOf(instancePath), ...path], code: keyword }))
        })
        return { issues }
      },
      jsonSchema: { input: () => json, output: () => json },
    },
  }
}
