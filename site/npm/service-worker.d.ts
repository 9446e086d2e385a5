// A script for a service worker; it exports nothing.
export {};
