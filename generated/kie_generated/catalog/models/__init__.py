"""Contains all the data models used in inputs/outputs"""

from .catalog_model import CatalogModel
from .get_model_price_data import GetModelPriceData
from .get_model_price_response import GetModelPriceResponse
from .get_model_schema_data import GetModelSchemaData
from .get_model_schema_response import GetModelSchemaResponse
from .list_models_data import ListModelsData
from .list_models_response import ListModelsResponse

__all__ = (
    "CatalogModel",
    "GetModelPriceData",
    "GetModelPriceResponse",
    "GetModelSchemaData",
    "GetModelSchemaResponse",
    "ListModelsData",
    "ListModelsResponse",
)
