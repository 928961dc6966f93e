import { mount } from 'svelte'
import '../../ui/base.css'
import Phone from './Phone.svelte'

const target = document.getElementById('app')
if (target) mount(Phone, { target })
// Browsers offer this on a secure page only; without it the page still works while there is a link.
if ('serviceWorker' in navigator) void navigator.serviceWorker.register('/patrol-sw.js', { scope: '/patrol' })
