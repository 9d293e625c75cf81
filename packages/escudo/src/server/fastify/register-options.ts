/** The options that Fastify itself reads from those of a plugin. */
export const REGISTER_OPTIONS = ['prefix', 'logLevel', 'logSerializers'] as const
