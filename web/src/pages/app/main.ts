import '../../ui/tokens.css'
import '../../ui/base.css'
import '../../ui/themes.css'
import '../../ui/link.css'
import './app.css'
import { mount } from 'svelte'
import { startLanguage } from '../../i18n/state.svelte'
import './words.svelte'
import App from './App.svelte'
import { watchWorker } from './worker'

await startLanguage()
mount(App, { target: document.body })
watchWorker()
