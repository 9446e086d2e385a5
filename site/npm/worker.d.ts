// A script for a module Worker; it exports nothing.
export {};
