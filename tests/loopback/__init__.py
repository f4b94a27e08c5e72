"""Hubs on 127.0.0.1 that speak the real protocols, and can refuse, stall, break off and lie."""
