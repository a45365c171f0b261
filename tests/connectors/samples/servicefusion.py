"""Arguments with which each ServiceFusion tool works on Reed Heating & Air."""


def customer(here, name="Cobalt Cycles"):
    return here.call("list_customers", {"name": name})["items"][0]["id"]


def technician(here):
    return here.call("list_technicians", {"last_name": "Ortiz"})["items"][0]["id"]


# Ids, the records of a list, and the name that the jobs of a customer are found by.
REQUIRED = frozenset(["id", "items[].id", "customer_name"])

SAMPLES = {
    "list_customers": lambda here: {"city": "Austin", "last_serviced_from": "2020-01-01", "per_page": 2},
    "list_customers#2": lambda here: {"contact_last_name": "Ho", "last_serviced_to": "2099-12-31", "page": 2},
    "get_customer": lambda here: {"customer_id": customer(here)},
    "create_customer": lambda here: {
        "customer_name": "Poppy Bakery",
        "contacts": [
            {
                "fname": "Ana",
                "lname": "Silva",
                "emails": [{"email": "ana@poppy.example"}],
                "phones": [{"phone": "555-0177"}],
            }
        ],
        "locations": [{"street_1": "9 Oak St", "city": "Austin", "is_primary": True, "is_bill_to": True}],
        "public_notes": "Ring twice",
        "private_notes": "Pays late",
    },
    "list_jobs": lambda here: {"category": "Service Call", "start_date_from": "2020-01-01", "per_page": 5},
    "list_jobs#2": lambda here: {
        "status": ["Scheduled", "Completed"],
        "updated_since": "2020-01-01T12:30:00.5-08:00",
        "start_date_to": "2099-12-31",
        "per_page": 3,
    },
    "get_job": lambda here: {"job_id": here.call("list_jobs")["items"][0]["id"]},
    "create_job": lambda here: {
        "customer_id": customer(here),
        "description": "Check the boiler",
        "start_date": "2030-01-15",
        "technician_ids": [technician(here)],
        "services": [{"service": "Inspection", "rate": 120}],
    },
    "create_job#2": lambda here: {
        "customer_id": customer(here),
        "status": "Scheduled",
        "category": "Installation",
        "priority": "High",
        "duration_minutes": 90,
        "tech_notes": "Ladder",
        "po_number": "PO-7",
        "products": [{"product": "Filter", "multiplier": 2, "rate": 45.5}],
    },
    "get_customer_job_history": lambda here: {"customer_id": customer(here, "Maple Dental")},
    "list_estimates": lambda here: {
        "status": ["Estimate Requested"],
        "requested_from": "2020-01-01",
        "requested_to": "2099-12-31",
    },
    "get_estimate": lambda here: {"estimate_id": here.call("list_estimates")["items"][0]["id"]},
    "create_estimate": lambda here: {
        "customer_id": customer(here),
        "products": [{"product": "Heat pump", "multiplier": 1, "rate": 4200}],
    },
    "create_estimate#2": lambda here: {
        "customer_id": customer(here),
        "description": "New unit",
        "status": "Estimate Provided",
        "category": "Installation",
        "start_date": "2030-01-15",
        "services": [{"service": "Inspection", "multiplier": 3}],
    },
    "list_technicians": lambda here: {"first_name": "Sam"},
    "get_technician": lambda here: {"technician_id": technician(here)},
    "list_customer_equipment": lambda here: {"customer_id": customer(here)},
}
