"""The notice proxy: shows a notice on plain-HTTP pages and touches nothing else.

__main__    the command line
options     what the command line said
supervisor  the main process: starts workers, watches them, withdraws the diversion when one hangs
divert      the kernel's part: the TPROXY rule and the cut of the suspended, in tables of our own
worker      a process that takes connections
front/      one connection: read the first request, decide, splice or hand over
judge/      pure deciders on heads and bytes: what is a page view, what is a page, where it ends
mark/       a page that is changed: mitmproxy's HTTP layers, the notice after the last byte
shared/     the board, the events and the small memory that the workers share
"""
