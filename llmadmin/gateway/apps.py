from django.apps import AppConfig


class GatewayAppConfig(AppConfig):
    name = "llmadmin.gateway"

    def ready(self) -> None:
        """Tell the provider layer which addresses it may call, in every process: live path, pages, workers, commands."""
        from django.conf import settings

        from providers.addresses import AddressPolicy
        from providers.transport import set_address_policy

        set_address_policy(AddressPolicy(allow_private=settings.ALLOW_PRIVATE_ADDRESSES))
