"""What a partner (Cloud Solution Provider) does for its customers: list them, consent, find what is wrong, bill.

Each function is one coroutine over `PartnerApi`; `client/partners.py` runs it blocking and under asyncio.
"""
