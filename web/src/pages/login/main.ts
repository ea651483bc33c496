import '../../ui/tokens.css'
import '../../ui/base.css'
import '../../ui/themes.css'
import { mount } from 'svelte'
import { startLanguage } from '../../i18n/state.svelte'
import Login from './Login.svelte'

await startLanguage()
mount(Login, { target: document.body })
