/** Mounts the console. */
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { App } from './App';
import './console.css';
import { watchPresses } from './presses';
import { start } from './texts/texts';

// Vite puts the nonce that the server chose into this element.
const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? '';
const root = document.getElementById('root');
watchPresses(window);
if (root !== null) {
  void start().then(() => {
    createRoot(root).render(
      <StrictMode>
        <App nonce={nonce} />
      </StrictMode>,
    );
  });
}
