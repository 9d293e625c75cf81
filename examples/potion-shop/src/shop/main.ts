// The shop as a process of its own.
import { main } from '../process/misuse.ts'
import { serve } from '../process/service.ts'
import { helpText, readSettings } from '../process/settings.ts'
import { createShop } from './app.ts'
import { shopSettings } from './settings.ts'

await main('potion-shop', async () => {
  const values = readSettings(shopSettings)
  if (values === 'help') process.stdout.write(helpText('Usage: node src/shop/main.ts [flags]', shopSettings))
  else await serve(await createShop(values), { port: values.port, setting: shopSettings.port })
})
